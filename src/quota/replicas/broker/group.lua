-- One group of buckets, shared by replicas: who may send when. All of it in one key, changed by one call at a time.
--
-- KEYS[1]  the group's state
-- ARGV[1]  the session that asks; ARGV[2]  the channels' prefix; ARGV[3]  what it asks, as JSON:
--   windows  {id, per, length, reserve}...   lengths and times in whole microseconds; per as it is to be used now
--   asks     see exchange.lua
--   at, since   what the last answer to this session said, and how long ago it was asked for; nothing in a session's first
--   view     nothing is asked but how the group is; nothing changes by that
-- Answers   {due, waiting, granted {{ref, slot}...}, refused {{ref, window, wait}...}, given {{flow, slot}...}, at, lost}
--   at       when this was, for the session to say it again; lost   1: what the session had here is gone, or else 0
--
-- Times come from this server's clock alone. Sessions tell how long ago something was, never when.

local DEAD_AFTER = 3000000  -- a session that was not heard of for so long is dead: three of its reports are missing
local KEPT_FOR = 120000     -- milliseconds that an unused group is kept; far longer than any window
local TRAVEL = 500000       -- an exchange that takes longer to come is taken for a jump of the clock, which is safe
local GRAIN = 2000          -- how late a timer may be without its turn being lost
local TURN = 1048576        -- the virtual cost of a turn of weight 1
local EMERGENCY = 0         -- the class for which slots are reserved
local STEPS, STEP = 20, 10000000  -- what the cloud allows less comes back in so many steps of so long, or of a window

local session, prefix, asked = ARGV[1], ARGV[2], cjson.decode(ARGV[3])
local clock = redis.call('TIME')
local server = clock[1] * 1000000 + clock[2]
local kept = redis.call('GET', KEYS[1])
-- Numbers begin where those of a group that was lost have not come to, and stay short enough for Lua to write them in full.
local group = kept and cmsgpack.unpack(kept)
  or { windows = {}, flows = {}, slots = {}, seen = {}, gone = {}, told = {}, number = math.floor(server / 1000) }

-- The time of the group is the server's, but a server's clock may be set: here it never goes back, and not further ahead than
-- the session that asks has measured itself since it was last here.
local now = server + (group.ahead or 0)
local seen = asked.since and group.seen[session]
if seen and now - seen > asked.since + TRAVEL then now = seen + asked.since end
now = math.max(now, group.at or now)
group.ahead, group.at = now - server, now
