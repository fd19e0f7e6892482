-- Reads which calls of a tenant changed last between two numbers, the latest first, and the tenant's epoch and number at
-- the same instant.
-- KEYS: head, the tenant's changes. ARGV: fresh epoch, now in ms, hold; from which number, below which, how many.
local epoch, seq = open(KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]))
local range = {KEYS[2], '(' .. ARGV[5], ARGV[4], 'WITHSCORES', 'LIMIT', 0, ARGV[6]}
return {epoch, seq, redis.call('ZREVRANGEBYSCORE', unpack(range))}
