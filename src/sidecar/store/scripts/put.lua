-- Keeps a secret to be taken once, with who put it and who took it. A try of the same attempt is well.
-- Returns 0 (there is another of that name), 1 (kept) or 2 (too many), and the history.
-- KEYS: secret, secrets by when they expire. ARGV: attempt, value, how long in ms, most secrets.
local held = redis.call('GET', KEYS[1])
if held then return {string.match(held, '^[^:]*') == ARGV[1] and 1 or 0, history()} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%d', now))
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[4]) then return {2, history()} end
redis.call('ZADD', KEYS[2], string.format('%d', now + ARGV[3]), KEYS[1])
redis.call('SET', KEYS[1], ARGV[1] .. '::' .. ARGV[2], 'PX', ARGV[3])
return {1, history()}
