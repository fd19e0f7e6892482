-- Puts a display in place of what is expected there, or takes it away. Returns the server's history; `other` where
-- something else is there; `full` where the tenant has as many as it may. What is so already is done: whoever sends it
-- again did not hear our answer.
-- KEYS: displays. ARGV: the display's id; what is expected there, and what is to be, each empty for nothing; the most
-- displays; how long all of them stay while none is written, in milliseconds.
local key, id, expected, fresh = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local current = redis.call('HGET', key, id) or ''
if current == fresh then return history() end
if current ~= expected then return 'other' end
if fresh == '' then
  redis.call('HDEL', key, id)
  return history()
end
if current == '' and redis.call('HLEN', key) >= tonumber(ARGV[4]) then return 'full' end
redis.call('HSET', key, id, fresh)
redis.call('PEXPIRE', key, ARGV[5])
return history()
