-- Reads which items a stream has: its epoch, number and floor, the members that may be live, and a
-- list of members and numbers for each index.
-- KEYS: head, live, then the indexes: of each user of the stream, or the tenant's.
-- ARGV: fresh epoch, now in ms, hold; 'latest' and 0, or an epoch and after which number of it; for each index how
-- many; 'all', or 'some' and the users whose items may be live.
local epoch, seq, floor = open(KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]))
local what, after = ARGV[4], ARGV[5]

if what ~= 'latest' and what ~= epoch then return {epoch, seq, floor, {}, {}} end

local whose = 4 + #KEYS
local live = {}
if what == 'latest' then
  if ARGV[whose] == 'all' then live = redis.call('ZRANGE', KEYS[2], 0, -1) end
  for user = whose + 1, #ARGV do
    local from, to = '[' .. ARGV[user] .. '\30', '(' .. ARGV[user] .. '\31'
    for _, member in ipairs(redis.call('ZRANGEBYLEX', KEYS[2], from, to)) do live[#live + 1] = member end
  end
end

local lists = {}
for index = 3, #KEYS do
  local most = tonumber(ARGV[3 + index])
  local list
  if what == 'latest' then
    list = redis.call('ZREVRANGE', KEYS[index], 0, most + #live - 1, 'WITHSCORES')
  else
    list = redis.call('ZRANGEBYSCORE', KEYS[index], '(' .. after, '+inf', 'WITHSCORES', 'LIMIT', 0, most)
  end
  lists[#lists + 1] = list
end
return {epoch, seq, floor, live, lists}
