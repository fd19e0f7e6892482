-- Replaces a row if its revision is the given one. A try of the same attempt finds what the first did.
-- Returns the number that it has, or none where it is lost; the row that stands there then; the history.
-- KEYS: head, rows, order, attempt. ARGV: fresh lineage, name, revision, value, how long an attempt is known.
local done, stored = redis.call('GET', KEYS[4]), redis.call('HGET', KEYS[2], ARGV[2])
redis.call('ZSCORE', KEYS[3], ARGV[2])
if done then return {done, false, history()} end
local revision = stored and string.match(stored, '^%d+') or '0'
if revision ~= ARGV[3] then return {false, stored, history()} end
begin(KEYS[1], ARGV[1])
local seq = string.format('%d', redis.call('HINCRBY', KEYS[1], 'seq', 1))
revision = string.format('%d', revision + 1)
redis.call('HSET', KEYS[2], ARGV[2], table.concat({revision, seq, ARGV[4]}, ':'))
redis.call('ZADD', KEYS[3], seq, ARGV[2])
redis.call('SET', KEYS[4], seq, 'PX', ARGV[5])
return {seq, false, history()}
