-- Reads items, and the tenant's epoch and number at the same instant: as many of them, from the first, as have so many
-- bytes, and one at least. Of one that is settled, its only value.
-- KEYS: head, then the items. ARGV: fresh epoch, now in ms, hold; how many bytes.
local epoch, seq = open(KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]))
local found, left = {}, tonumber(ARGV[4])
local base = string.sub(KEYS[1], 1, -1 - #':head')
local member_at = #base + #':item:' + 1
for nth = 2, #KEYS do
  if left <= 0 then break end
  local values = redis.call('HVALS', KEYS[nth])
  if not values[1] then values[1] = redis.call('GET', base .. ':settled:' .. string.sub(KEYS[nth], member_at)) or nil end
  for _, value in ipairs(values) do left = left - #value end
  found[nth - 1] = values
end
return {epoch, seq, found}
