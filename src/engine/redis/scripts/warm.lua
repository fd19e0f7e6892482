-- Gives an item that is settled its events back, unless that was done since it was read. Returns how many were given.
-- KEYS: ended, item, ghost, its one value, what its summary says.
-- ARGV: the value as it was read, or nothing; how long a ghost stays; how long the item stays; its member; what
-- its summary says, or nothing; then its fields and their values.
local call = redis.call
local ended, item, ghost, settled, content = unpack(KEYS)
local seen, hold_ghost, lives_for, member, told = unpack(ARGV, 1, 5)
if (call('GET', settled) or '') ~= seen then return 0 end
if seen ~= '' then
  if told ~= '' then call('SET', content, told, 'PX', lives_for) end
  call('RPUSH', ended, member)
  call('HSET', item, unpack(ARGV, 6))
  call('PEXPIRE', item, lives_for)
end
-- Where the value is forgotten, the item begins again after the version that it had.
local version = string.match(call('GET', ghost) or '', '^(%d+)%*$')
if version then call('SET', ghost, version, 'PX', hold_ghost) end
return call('DEL', settled)
