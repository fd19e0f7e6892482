-- Reads items, and the tenant's epoch and number at the same instant.
-- KEYS: head, then the items. ARGV: fresh epoch, now in ms, hold.
local epoch, seq = open(KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]))
local found = {}
for nth = 2, #KEYS do found[nth - 1] = redis.call('HVALS', KEYS[nth]) end
return {epoch, seq, found}
