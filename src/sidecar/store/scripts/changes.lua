-- Reads the rows that changed last, in the order in which they did, from a number of a line on; of
-- another line from the first. Returns the line, names and rows.
-- KEYS: head, rows, order. ARGV: fresh line, line, the number, how many.
local line = begin(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
local after = line == ARGV[2] and ARGV[3] or '0'
local names = redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. after, '+inf', 'LIMIT', 0, ARGV[4])
if not names[1] then return {line, {}, {}} end
return {line, names, redis.call('HMGET', KEYS[2], unpack(names))}
