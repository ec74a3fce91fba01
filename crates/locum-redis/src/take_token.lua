-- Takes a token from the bucket of a key, with the arithmetic of TokenBucket::try_acquire in locum-engine.
-- KEYS[1]: the bucket, whose value is the time at which it is full. ARGV: the microseconds of a token and of the whole
-- bucket, "take" or "peek", and the time, or "" for that of Redis. All times are in microseconds since the unix epoch: a
-- double counts them exactly until the year 2255.
local token, capacity = tonumber(ARGV[1]), tonumber(ARGV[2])
local now
if ARGV[4] == "" then
  local time = redis.call("TIME")
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
else
  now = tonumber(ARGV[4])
end
-- What is no time was not written here: its bucket is full. An error would pause the limits of all other users too.
local stored = redis.pcall("GET", KEYS[1])
local full_at = type(stored) == "string" and tonumber(stored) or 0
if full_at ~= full_at then
  full_at = 0
end
local missing = math.min(math.max(full_at - now, 0), capacity)
local conforms = missing + token <= capacity
if conforms then
  missing = missing + token
end
full_at = string.format("%.0f", now + missing)
if ARGV[3] == "take" then
  -- A full bucket is that of an unknown key.
  redis.call("SET", KEYS[1], full_at, "PX", math.max(math.ceil(missing / 1000), 1))
end
-- As texts: Redis would cut a number to 64 bits, and a client may read it as another type.
return {conforms and "1" or "0", string.format("%.0f", missing), full_at}
