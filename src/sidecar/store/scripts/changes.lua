-- Reads the rows that changed last, in the order in which they did, from a number of a lineage on; of
-- another lineage from the first. Returns the lineage, names and rows.
-- KEYS: head, rows, order. ARGV: fresh lineage, lineage, the number, how many.
local lineage = begin(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
local after = lineage == ARGV[2] and ARGV[3] or '0'
local names = redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. after, '+inf', 'LIMIT', 0, ARGV[4])
if not names[1] then return {lineage, {}, {}} end
return {lineage, names, redis.call('HMGET', KEYS[2], unpack(names))}
