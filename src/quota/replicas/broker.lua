-- One group of buckets, shared by replicas: who may send when. All of it in one key, changed by one call at a time.
--
-- KEYS[1]  the group's state
-- ARGV[1]  the session that asks; ARGV[2]  the channels' prefix; ARGV[3]  what it asks, as JSON:
--   windows  {id, per, length, reserve}...   lengths and times in whole microseconds; per as it is to be used now
--   asks     see the end of this file
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

-- One window: `spent` holds the times of first bytes, oldest first, `flying` counts slots without one.

-- `limit` is what may be used of `per` now: less while the cloud was seen to allow less (`lowered` at that time `to` so
-- many). `kept` slots of it are left free for emergencies, never the last one.
local function set_limit(w)
  w.limit = w.per
  if w.lowered then
    local steps = math.floor((now - w.lowered) / math.max(STEP, w.length))
    local limit = w.to + steps * math.ceil(w.per / STEPS)
    if limit < w.per then w.limit = limit else w.lowered, w.to = nil, nil end
  end
  w.kept = math.max(math.min(w.reserve, w.limit - 1), 0)
end

local function window(id, per, length, reserve)
  local found = group.windows[id]
  if not found then
    found = { spent = {}, flying = 0, due = now, brisk = now, latency = 0, waiting = 0, clock = 0, served = {} }
    group.windows[id] = found
    -- Of what was sent before a loss nothing is known: all of it may have been.
    if group.lost and group.lost + length > now then
      for place = 1, per do found.spent[place] = group.lost end
    end
  end
  found.per, found.length, found.reserve = per, length, reserve
  set_limit(found)
end

for _, w in pairs(group.windows) do set_limit(w) end

local function spacing(w) return math.floor(w.length / math.max(w.limit - w.kept, 1)) end

local function kept_from(w, class) return class == EMERGENCY and 0 or w.kept end

-- What slots are reserved for does not keep to the schedule of the others.
local function at_once(w, class) return class == EMERGENCY and w.reserve > 0 end

-- When the call is a window ago whose slot is the one that comes after `held` others, if it is one that was spent.
local function freed_by(w, held)
  local spent = w.limit > 0 and w.spent[held + w.flying + #w.spent - w.limit + 1]
  return spent and spent + w.length or nil
end

-- When the slot is free that comes after `held` others; nothing while that depends on calls under way.
local function free_at(w, held)
  if held + w.flying + #w.spent < w.limit then return now end
  return freed_by(w, held)
end

local function turn_at(w, held, class)
  local free = free_at(w, held + kept_from(w, class))
  if at_once(w, class) then return free end
  return free and math.max(free, w.due, w.brisk)
end

local function has_free(w, class)
  local free = free_at(w, kept_from(w, class))
  return free and free <= now
end

local function take(w, class, waited)
  local free_since = freed_by(w, kept_from(w, class))
  while w.flying + #w.spent >= w.limit and #w.spent > 0 do table.remove(w.spent, 1) end
  w.flying = w.flying + 1
  if at_once(w, class) then return end
  local space = spacing(w)
  if not waited then
    w.due, w.brisk = now + space, now + math.floor(space / 2)
    return
  end
  -- When the turn could have been: what a late timer lost is made up for, within one window.
  local could = free_since and math.max(free_since, w.due) or w.due
  w.due = math.max(math.min(could, now), now - w.length) + space
  w.brisk = math.max(w.brisk, now - GRAIN) + math.floor(space / 2)
end

local function spend(w, at)
  w.flying = math.max(w.flying - 1, 0)
  local place = #w.spent + 1
  while place > 1 and w.spent[place - 1] > at do place = place - 1 end
  table.insert(w.spent, place, at)
end

local function used(w)
  local count = w.flying
  for _, at in ipairs(w.spent) do if at + w.length > now then count = count + 1 end end
  return count
end

-- The cloud throttled a call of this turn: three quarters remain of what was used, or of half the limit if that is more, unless
-- the call is from before the last drop.
local function throttle(w, granted)
  if w.lowered and granted <= w.lowered then return end
  w.to = math.max(math.floor(math.max(math.min(used(w), w.limit), math.floor(w.limit / 2)) * 3 / 4), 1)
  w.lowered = now
  set_limit(w)
end

-- The turn that `ahead` others come before, of slots whose turns are `round` apart. However many come before, only the first
-- turn of each slot is gone through: the second waits for those before it, and from then on each is one round later.
local function turn_after(ahead, slots, round, space, due, free)
  local slot, rounds = ahead % slots, math.floor(ahead / slots)
  local turn, own = due, due
  for index = 0, rounds == 0 and slot or slots - 1 do
    turn = math.max(free(index), index == 0 and due or turn + space)
    if index == slot then own = turn end
  end
  if rounds == 0 then return own end
  return math.max(own + round, turn + space * (slot + 1)) + round * (rounds - 1)
end

-- When a newcomer's turn would come that `ahead` calls come before, as far as can be known.
local function estimate(w, ahead, class)
  local kept, soon = kept_from(w, class), at_once(w, class)
  local slots = w.limit - kept
  if slots <= 0 then return now + w.length end
  local round = w.latency + w.length
  local function free(index) return free_at(w, index + kept) or now + round end
  return turn_after(ahead, slots, round, soon and 0 or spacing(w), soon and now or math.max(w.due, now), free)
end

-- Shares: start-time fair queueing by caller, wherever it is connected.

local function cost(weight) return math.max(math.floor(TURN / weight), 1) end
local function lead(w, who) return math.max((w.served[who] or 0) - w.clock, 0) end

local function serve_share(w, who, weight)
  w.clock = w.clock + lead(w, who)
  w.served[who] = w.clock + cost(weight)
end

local function lead_in(flow)
  local most = 0
  for _, id in ipairs(flow.ids) do most = math.max(most, lead(group.windows[id], flow.who)) end
  return most
end

local function wants(flow, id)
  for _, own in ipairs(flow.ids) do if own == id then return true end end
  return false
end

-- How long a newcomer would wait, and in which window that is longest.
local function wait(ids, class, who, weight)
  local longest, where = 0, ids[1]
  for _, id in ipairs(ids) do
    local w = group.windows[id]
    local at = now
    if w.waiting > 0 or not has_free(w, class) then
      local own, others = 0, 0
      for _, flow in pairs(group.flows) do
        if flow.who == who and flow.class == class and wants(flow, id) then own = own + flow.count end
      end
      local mine = lead(w, who) + cost(weight) * own
      for _, flow in pairs(group.flows) do
        if (flow.who ~= who or flow.class ~= class) and wants(flow, id) then
          if flow.class < class then
            others = others + flow.count
          elseif flow.class == class and mine >= lead(w, flow.who) then
            local room = math.floor((mine - lead(w, flow.who)) / cost(flow.weight)) + 1
            others = others + math.min(flow.count, room)
          end
        end
      end
      at = estimate(w, own + others, class)
    end
    local takes = w.per == 0 and w.length or math.max(at - now, 0)
    if takes >= longest then longest, where = takes, id end
  end
  return longest, where
end

-- Slots and flows.

local function next_number()
  group.number = group.number + 1
  return group.number
end

local function grant(ids, class, owner, waited)
  local slot = next_number()
  for _, id in ipairs(ids) do take(group.windows[id], class, waited) end
  group.slots[tostring(slot)] = { ids = ids, owner = owner, at = now }
  return slot
end

local function give_back(slot, first_byte)
  local found = group.slots[slot]
  if not found then return end
  group.slots[slot] = nil
  for _, id in ipairs(found.ids) do
    local w = group.windows[id]
    if first_byte then
      local took = math.min(math.max(first_byte - found.at, 0), w.length)
      w.latency = math.floor((w.latency * 7 + took) / 8)
      spend(w, first_byte)
    else
      w.flying = math.max(w.flying - 1, 0)
    end
  end
end

local function left(flow, key, count)
  flow.count = flow.count - count
  for _, id in ipairs(flow.ids) do
    local w = group.windows[id]
    w.waiting = w.waiting - count
    -- What a caller took of an idle bucket is not held against it.
    if w.waiting <= 0 then w.waiting, w.clock, w.served = 0, 0, {} end
  end
  if flow.count <= 0 then group.flows[key] = nil end
end

local function is_free(ids, class)
  for _, id in ipairs(ids) do
    local w = group.windows[id]
    if w.waiting > 0 or not has_free(w, class) then return false end
  end
  return true
end

local function before(a, b)
  if a.flow.class ~= b.flow.class then return a.flow.class < b.flow.class end
  if a.lead ~= b.lead then return a.lead < b.lead end
  return a.flow.number < b.flow.number
end

-- Grants every turn that has come. Whoever has to wait leaves a slot free in each of its windows for itself: else calls
-- that want one window would starve those that want two. Answers when the next turn comes.
local function serve(give)
  while true do
    local lanes, heads = {}, {}
    for key, flow in pairs(group.flows) do
      local lane = table.concat(flow.ids, '\n')
      local head = { key = key, flow = flow, lead = lead_in(flow) }
      local other = lanes[lane]
      if not other or before(head, other) then lanes[lane] = head end
    end
    for _, head in pairs(lanes) do table.insert(heads, head) end
    table.sort(heads, before)
    local held, due, next_head = {}, nil, nil
    for _, head in ipairs(heads) do
      local turn = now
      for _, id in ipairs(head.flow.ids) do
        local at = turn_at(group.windows[id], held[id] or 0, head.flow.class)
        turn = turn and at and math.max(turn, at)
        held[id] = (held[id] or 0) + 1
      end
      if turn and turn <= now then
        next_head = head
        break
      end
      if turn and (not due or turn < due) then due = turn end
    end
    if not next_head then return due end
    local flow = next_head.flow
    local slot = grant(flow.ids, flow.class, flow.owner, true)
    for _, id in ipairs(flow.ids) do serve_share(group.windows[id], flow.who, flow.weight) end
    -- Callers that are even take turns, and so do the replicas that one caller is connected to.
    flow.number = next_number()
    left(flow, next_head.key, 1)
    give(flow, slot)
  end
end

-- How the group is.

if asked.view then
  local views = {}
  for id, w in pairs(group.windows) do
    local waiting, callers = {}, {}
    for _, flow in pairs(group.flows) do
      if wants(flow, id) then waiting[flow.who] = (waiting[flow.who] or 0) + flow.count end
    end
    for who, count in pairs(waiting) do table.insert(callers, { who, count }) end
    if used(w) > 0 or w.waiting > 0 or w.limit < w.per then
      table.insert(views, { id, w.per, w.length, w.limit, w.kept, used(w), w.waiting, callers })
    end
  end
  return views
end

-- Sessions that are over.

-- What it had is given up. Its calls may have arrived until a moment ago.
local function bury(other)
  group.seen[other], group.told[other] = nil, nil
  for key, flow in pairs(group.flows) do if flow.owner == other then left(flow, key, flow.count) end end
  for slot, held in pairs(group.slots) do if held.owner == other then give_back(slot, now) end end
end

-- A session that was here, and not as this group knows it: Redis has lost something (evicted it, came back as an older copy of
-- itself, jumped ahead). Then nobody has a turn for one window, as if all turns had been taken until now.
local forgotten = group.gone[session] == asked.at and asked.at and asked.since >= DEAD_AFTER - TRAVEL
local lost = asked.at and group.seen[session] ~= asked.at and not forgotten
if lost then
  bury(session)
  group.lost, group.number = now, math.max(group.number, math.floor(server / 1000))
  for _, w in pairs(group.windows) do
    w.spent = {}
    for place = 1, w.per do w.spent[place] = now end
  end
end

-- What was asked.

local ids = {}
for place, spec in ipairs(asked.windows) do
  ids[place] = spec[1]
  window(spec[1], spec[2], spec[3], spec[4])
end

local function of(lane)
  local wanted = {}
  for place, index in ipairs(lane) do wanted[place] = ids[index + 1] end
  return wanted
end

group.seen[session], group.gone[session] = now, nil
for other, at in pairs(group.seen) do
  if now - at > DEAD_AFTER then
    bury(other)
    group.gone[other] = at
  end
end
for other, at in pairs(group.gone) do if now - at > KEPT_FOR * 1000 then group.gone[other] = nil end end

local granted, refused, given, elsewhere = {}, {}, {}, {}
for _, ask in ipairs(asked.asks) do
  if ask.kind == 'ask' then
    local wanted = of(ask.lane)
    if is_free(wanted, ask.class) then
      table.insert(granted, { ask.ref, grant(wanted, ask.class, session, false) })
    else
      local takes, where = wait(wanted, ask.class, ask.who, ask.weight)
      local none = false
      for _, id in ipairs(wanted) do none = none or group.windows[id].per == 0 end
      if none or takes > ask.most then
        table.insert(refused, { ask.ref, where, takes })
      else
        local key = session .. '\n' .. ask.flow
        local flow = group.flows[key]
        if not flow then
          flow = { ids = wanted, owner = session, name = ask.flow, class = ask.class, who = ask.who, count = 0 }
          flow.number = next_number()
          group.flows[key] = flow
        end
        flow.weight, flow.count = ask.weight, flow.count + 1
        for _, id in ipairs(wanted) do
          local w = group.windows[id]
          if w.waiting == 0 then w.due = math.max(w.due, now) end
          w.waiting = w.waiting + 1
        end
      end
    end
  elseif ask.kind == 'estimate' then
    local takes, where = wait(of(ask.lane), ask.class, ask.who, ask.weight)
    table.insert(refused, { ask.ref, where, takes })
  elseif ask.kind == 'leave' then
    local key = session .. '\n' .. ask.flow
    local flow = group.flows[key]
    if flow then left(flow, key, 1) end
  elseif ask.kind == 'throttled' then
    local slot = group.slots[tostring(ask.slot)]
    for _, id in ipairs(slot and slot.ids or {}) do throttle(group.windows[id], slot.at) end
  elseif ask.kind == 'answered' then
    give_back(tostring(ask.slot), now - ask.ago)
  elseif ask.kind == 'unsent' then
    give_back(tostring(ask.slot), nil)
  end
end

group.due = serve(function(flow, slot)
  if flow.owner == session then
    table.insert(given, { flow.name, slot })
  else
    elsewhere[flow.owner] = elsewhere[flow.owner] or {}
    table.insert(elsewhere[flow.owner], { flow.name, slot })
  end
end)

local waiting, owners = 0, {}
for _, flow in pairs(group.flows) do
  waiting = waiting + flow.count
  owners[flow.owner] = true
end

-- Others hear of what is theirs, and of a next turn that comes earlier than the one they know of.
local due, messages = group.due, {}
group.told[session] = due
for owner in pairs(group.seen) do
  if owner ~= session then
    local told = group.told[owner]
    local news = owners[owner] and due and (not told or told > due or told <= now)
    if news then group.told[owner] = due end
    if elsewhere[owner] or news then
      local message = { group = KEYS[1], given = elsewhere[owner], due = due and math.max(due - now, 0) }
      messages[prefix .. owner] = cjson.encode(message)
    end
  end
end

-- A window that nobody uses says nothing that a new one would not, unless something was learned of it.
local kept_for = KEPT_FOR
for id, w in pairs(group.windows) do
  local newest = w.spent[#w.spent]
  if w.lowered then
    kept_for = math.max(kept_for, math.ceil(STEPS * math.max(STEP, w.length) / 1000))
  elseif w.flying == 0 and w.waiting == 0 and not (newest and newest + w.length > now) and w.due <= now then
    group.windows[id] = nil
  end
end

-- First of all it is written: a Redis that is full refuses that, and then nobody may have heard of a turn.
redis.call('SET', KEYS[1], cmsgpack.pack(group), 'PX', kept_for)
for channel, message in pairs(messages) do redis.call('PUBLISH', channel, message) end
return { due and math.max(due - now, 0) or -1, waiting, granted, refused, given, now, lost and 1 or 0 }
