-- Tries whether Redis takes what a commit writes, by the same commands, and leaves nothing that counts.
-- Returns the server's history.
-- KEYS: fence, a hash, a sorted set and a list that are for this alone; then those of a commit that was refused.
-- ARGV: publish, channel; then what each of those keys holds (hash, text, set, list).
local call = redis.call
call('SET', KEYS[1], '1', 'PX', '60000')
call('HSET', KEYS[2], '=', '1')
call('PEXPIRE', KEYS[2], '1000')
call('HMGET', KEYS[2], '=')
call('HKEYS', KEYS[2])
call('HVALS', KEYS[2])
call('GET', KEYS[1])
call('ZADD', KEYS[3], '0', '')
call('ZREMRANGEBYRANK', KEYS[3], '0', '-1')
call('RPUSH', KEYS[4], '')
call('LREM', KEYS[4], '0', '')
for nth = 5, #KEYS do
  local key, holds = KEYS[nth], ARGV[nth - 2]
  -- Each says so where the key holds something else; no set, and no list, has an empty member.
  if holds == 'hash' then call('HMGET', key, '=')
  elseif holds == 'text' then call('GET', key)
  elseif holds == 'set' then call('ZREM', key, '')
  else call('LREM', key, '1', '') end
end
call(ARGV[1], ARGV[2], '')
return history()
