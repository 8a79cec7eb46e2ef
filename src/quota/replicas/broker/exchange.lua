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
