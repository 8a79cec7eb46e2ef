-- Which replicas there are, and which part of the quota those that are here may use.
--
-- KEYS[1]  the crew's state
-- ARGV[1]  the replica; ARGV[2]  `join`, `here` or `leave`; ARGV[3]  how many replicas it last knew of; ARGV[4]  for how many
--          microseconds it was away before it joins
-- Answers   {here, of}: `here` replicas use here/of of the quota

local DEAD_AFTER = 3000000  -- microseconds; three reports are missing then
local GRACE = 5000000       -- for so long after a common outage those who are not back yet keep their part

local replica, what, known, away = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local kept = redis.call('GET', KEYS[1])
local crew = kept and cmsgpack.unpack(kept) or { seen = {} }

crew.seen[replica] = what ~= 'leave' and now or nil
-- Whoever was not heard of since this replica lost Redis may have lost it too.
local heard_within = what == 'join' and math.min(away, DEAD_AFTER) or DEAD_AFTER
local here = 0
for other, at in pairs(crew.seen) do
  if now - at > heard_within then crew.seen[other] = nil else here = here + 1 end
end

-- More were known than are here: an outage that was everybody's ends, and the others still use their part alone.
if what == 'join' and here < known and not crew.expected then
  crew.expected, crew.until_ = known, now + GRACE
end
if crew.expected and (here >= crew.expected or now > crew.until_) then
  crew.expected, crew.until_ = nil, nil
end

redis.call('SET', KEYS[1], cmsgpack.pack(crew), 'PX', 60000)
return { here, crew.expected or here }
