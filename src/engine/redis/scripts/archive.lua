-- Keeps an event of an unknown state, once, within bounds: the oldest go. Returns the server's history.
-- KEYS: rows, bytes. ARGV: when, the row, most rows, most bytes.
if redis.call('ZADD', KEYS[1], 'NX', ARGV[1], ARGV[2]) == 0 then return history() end
local bytes = redis.call('INCRBY', KEYS[2], #ARGV[2])
while bytes > tonumber(ARGV[4]) or redis.call('ZCARD', KEYS[1]) > tonumber(ARGV[3]) do
  local oldest = redis.call('ZPOPMIN', KEYS[1])
  if not oldest[1] then
    redis.call('DEL', KEYS[2])
    break
  end
  bytes = redis.call('DECRBY', KEYS[2], #oldest[1])
end
return history()
