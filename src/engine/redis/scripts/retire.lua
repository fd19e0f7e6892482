-- Takes an item out of the live ones, unless it changed since it was looked at.
-- KEYS: live, item. ARGV: member, the item's field `=` as it was seen, or nothing.
local state = redis.call('HGET', KEYS[2], '=')
if (state or '') ~= ARGV[2] then return 0 end
if state then redis.call('HSET', KEYS[2], '=', (string.gsub(state, ':live:', ':neither:'))) end
return redis.call('ZREM', KEYS[1], ARGV[1])
