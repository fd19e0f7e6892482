-- Gives an item that is settled its events back, unless that was done since it was read. Returns how many were given.
-- KEYS: settling, item, ghost, its one value, what its summary says.
-- ARGV: the value as it was read, or nothing; now in ms; how long a ghost stays; how long the item stays; its member; what
-- its summary says, or nothing; then its fields and their values.
local call = redis.call
local settling, item, ghost, settled, content = unpack(KEYS)
local seen, now_ms, hold_ghost, lives_for, member, told = unpack(ARGV, 1, 6)
if (call('GET', settled) or '') ~= seen then return 0 end
if seen ~= '' then
  if told ~= '' then call('SET', content, told, 'PX', lives_for) end
  call('ZADD', settling, now_ms, member)
  call('HSET', item, unpack(ARGV, 7))
  call('PEXPIRE', item, lives_for)
end
-- Where the value is forgotten, the item begins again after the version that it had.
local version = string.match(call('GET', ghost) or '', '^(%d+)%*$')
if version then call('SET', ghost, version, 'PX', hold_ghost) end
return call('DEL', settled)
