-- Stores a tenant's directory in place of one that is expected there. Returns the server's history, or nothing where
-- another one is there. What is there already is stored: whoever sends it again did not hear our answer.
-- KEYS: directory. ARGV: its ETag, the directory, the ETag of an empty one; then the ETags that are expected, or `*`.
local current = redis.call('HGET', KEYS[1], 'etag') or ARGV[3]
if current == ARGV[1] then return {history()} end
for nth = 4, #ARGV do
  if ARGV[nth] == '*' or ARGV[nth] == current then
    redis.call('HSET', KEYS[1], 'etag', ARGV[1], 'rows', ARGV[2])
    return {history()}
  end
end
return {}
