-- Reads which legs a stream has: its epoch, number and floor, the members that may be live, and a
-- list of members and numbers for each index.
-- KEYS: head, live, then an index for each user of the stream, or the tenant's.
-- ARGV: fresh epoch, now in ms, hold; 'latest', 0 and how many ended legs, or an epoch, after which
-- number of it and how many; then the users in the order of their indexes, or none for a whole tenant.
local epoch, seq, floor = open(KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]))
local what, after, most = ARGV[4], ARGV[5], tonumber(ARGV[6])

if what ~= 'latest' and what ~= epoch then return {epoch, seq, floor, {}, {}} end

local live = {}
if what == 'latest' then
  if #ARGV == 6 then live = redis.call('ZRANGE', KEYS[2], 0, -1) end
  for user = 7, #ARGV do
    local from, to = '[' .. ARGV[user] .. '\30', '(' .. ARGV[user] .. '\31'
    for _, member in ipairs(redis.call('ZRANGEBYLEX', KEYS[2], from, to)) do live[#live + 1] = member end
  end
end

local lists = {}
for index = 3, #KEYS do
  local list
  if what == 'latest' then
    list = redis.call('ZREVRANGE', KEYS[index], 0, most + #live - 1, 'WITHSCORES')
  else
    list = redis.call('ZRANGEBYSCORE', KEYS[index], '(' .. after, '+inf', 'WITHSCORES', 'LIMIT', 0, most)
  end
  lists[#lists + 1] = list
end
return {epoch, seq, floor, live, lists}
