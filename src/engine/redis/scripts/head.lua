-- Reads a tenant's epoch and number.
-- KEYS: head. ARGV: fresh epoch, now in ms, hold; an epoch and the number that was seen in it, or nothing.
local epoch, seq = open(KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5])
return {epoch, seq}
