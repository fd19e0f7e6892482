-- Takes a leg out of the live ones, unless it changed since it was looked at.
-- KEYS: live, mark. ARGV: member, the mark's `touched` as it was seen, or nothing.
if (redis.call('HGET', KEYS[2], 'touched') or '') == ARGV[2] then
  return redis.call('ZREM', KEYS[1], ARGV[1])
end
return 0
