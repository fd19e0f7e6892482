-- Puts a closed day in the place of one of that time, or of none. Returns `other` where another one is there. What is so
-- already is done: whoever sends it again did not hear our answer.
-- KEYS: when each day was rolled up, then what is of nobody, what is of extensions, and the keys to both. ARGV: the day;
-- when it was rolled up as is expected, empty for never; when it was now; the three parts, each empty for nothing; how
-- long each of the four stays while none is written, in milliseconds.
local day, expected, at = ARGV[1], ARGV[2], ARGV[3]
local current = redis.call('HGET', KEYS[1], day) or ''
if current == at then return 'done' end
if current ~= expected then return 'other' end
redis.call('HSET', KEYS[1], day, at)
redis.call('PEXPIRE', KEYS[1], ARGV[7])
for part = 2, 4 do
  local bytes = ARGV[part + 2]
  if bytes == '' then
    redis.call('HDEL', KEYS[part], day)
  else
    redis.call('HSET', KEYS[part], day, bytes)
    redis.call('PEXPIRE', KEYS[part], ARGV[part + 6])
  end
end
return 'done'
