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
