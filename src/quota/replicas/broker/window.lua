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
