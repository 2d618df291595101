-- What may be asked: name -> function of the arguments, returns JSON text.

local operations = {}

local function answer(session, raw)
  return '{"session":' .. raw .. ',"ahead":' .. ahead(session) .. '}'
end

local function refuse(code)
  return '{"code":"' .. code .. '"}'
end

local function pin(session, node_name)
  session.demand = at_node(session.demand, node_name)
  session.attributes.node = node_name
end

-- Lets a session have its place on a node, or wait for one there.
local function bring(session, node_name)
  if session.state == 'queued' then
    unwait(session)
    pin(session, node_name)
    return allocate(session) or wait(session)
  end
  local place = load(HOSTS, session.host).instances[session.instance]
  local there = node_of(place.pool)
  if there == '' or there == node_name then
    pin(session, node_name)
    return save_session(session)
  end
  local pools = vacate(session)
  pin(session, node_name)
  if session.ends_at > 0 then session.max_duration = math.max(0, session.ends_at - now) end
  local raw = requeue(session)
  dispatch(pools)
  return raw
end

local function attach(session, holder, node_name)
  local previous = session.holder
  session.holder, session.poll_by = holder, 0
  local raw = save_session(session)
  if previous ~= '' and previous ~= holder then tell('taken_over', raw, previous) end
  if node_name == '' or node_of(session.demand) == node_name and session.state == 'queued' then
    return raw
  end
  return bring(session, node_name)
end

local function polled(session)
  if session.state == 'queued' and session.holder == '' then
    session.poll_by = now + rules.poll
  end
  return save_session(session)
end

local function again(known, request)
  if known.state == 'ended' then
    local repeated = request.client_token ~= '' and known.client_token == request.client_token
    return repeated and answer(known, cjson.encode(known)) or nil
  end
  local elsewhere = known.holder ~= '' and request.holder ~= ''
    and known.holder ~= request.holder
  if elsewhere and rules.same_user == 'refuse' then return refuse('already_active') end
  if request.holder == '' then return answer(known, polled(known)) end
  return answer(known, attach(known, request.holder, node_of(request.demand.id)))
end

local function made(request)
  return {
    id = request.id, user = request.user, demand = request.demand.id,
    attributes = request.demand.attributes, state = 'queued', priority = request.priority,
    client_token = request.client_token, holder = request.holder,
    poll_by = request.holder == '' and now + rules.poll or 0, canary = request.canary,
    created_at = now, queued_at = now, score = 0, waits = 1, waited = 0,
    host = '', instance = '', pool = '', player_id = '',
    max_duration = request.max_duration > 0 and request.max_duration or rules.max_duration,
    reserved_until = 0, started_at = 0, ends_at = 0, grace_until = 0, last_input = 0,
    warned = 0, ended_at = 0, reason = '',
  }
end

local REAL_DEMANDS = 2               -- see model.py

local function refusal(demand)
  if tonumber(redis.call('HGET', META, 'waiting') or '0') >= rules.max_queue then
    return 'queue_full'
  end
  if redis.call('HEXISTS', DEMANDS, demand.id) == 1 then return nil end
  local exists = next(matching(demand.id, demand.attributes)) ~= nil
  local most = rules.max_demands * (exists and REAL_DEMANDS or 1)
  return redis.call('HLEN', DEMANDS) >= most and 'too_many_demands' or nil
end

function operations.request(request)
  local known_id = redis.call('HGET', USERS, request.user)
  local known = known_id and load(SESSIONS, known_id)
  local repeated = known and again(known, request)
  if repeated then return repeated end
  local session = made(request)
  local raw = allocate(session)
  if raw then return answer(session, raw) end
  local code = refusal(request.demand)
  if code then return refuse(code) end
  session.score = score(session.priority, false)
  return answer(session, wait(session))
end

function operations.put_instance(arguments)
  put_instance(arguments.spec, arguments.pool, arguments.attributes)
  return 'true'
end

function operations.remove_instance(arguments)
  local known = known_instance(arguments.id)
  if not known or known.node ~= node then return 'false' end
  drop_instance(arguments.id)
  return 'true'
end

function operations.patch_host(arguments)
  local host = load(HOSTS, arguments.id)
  if not host then return 'false' end
  for name, value in pairs(arguments.patch) do host[name] = value end
  tell('host_changed', nil, host.id)
  dispatch(save_host(host))
  return 'true'
end

-- Runs change(session) on a live session; null when there is none.
local function on_live(arguments, change)
  local session = load(SESSIONS, arguments.id)
  if not session or session.state == 'ended' then return 'null' end
  return change(session)
end

function operations.attach(arguments)
  return on_live(arguments, function(session)
    return attach(session, arguments.holder, arguments.node)
  end)
end

function operations.activate(arguments)
  return on_live(arguments, function(session)
    if session.state == 'queued' then return 'null' end
    session.state, session.player_id = 'active', arguments.player_id
    if session.started_at == 0 then session.started_at = now end
    if session.ends_at == 0 then session.ends_at = now + session.max_duration end
    session.grace_until, session.last_input = 0, now
    session.warned = bit.band(session.warned, WARNED_MAX)
    local raw = save_session(session)
    tell('active', raw)
    return raw
  end)
end

function operations.detach(arguments)
  return on_live(arguments, function(session)
    if session.holder ~= arguments.holder then return 'null' end
    if session.state == 'queued' and arguments.gone then return finish(session, 'left') end
    local keeper = arguments.gone and '' or arguments.holder
    if session.state ~= 'active' then
      session.holder = keeper
      return save_session(session)
    end
    pause(session, keeper)
    local raw = save_session(session)
    tell('grace', raw)
    return raw
  end)
end

operations['end'] = function(arguments)
  return on_live(arguments, function(session)
    return finish(session, arguments.reason)
  end)
end

function operations.touch(arguments)
  for _, id in ipairs(arguments.ids) do
    local session = load(SESSIONS, id)
    if session and session.state == 'active' then
      session.last_input = now
      session.warned = bit.band(session.warned, WARNED_MAX)
      save_session(session)
    end
  end
  return 'true'
end

function operations.poll(arguments)
  local session = load(SESSIONS, arguments.id)
  return session and polled(session) or 'null'
end

function operations.tick(arguments)
  local known = redis.call('ZSCORE', LEASES, node)
  redis.call('ZADD', LEASES, now + rules.lease, node)
  settle_leases(arguments.pardon)
  local due = redis.call('ZRANGEBYSCORE', DEADLINES, '-inf', now, 'LIMIT', 0, arguments.limit)
  for _, id in ipairs(due) do
    local session = load(SESSIONS, id)
    if session then expire(session, arguments.pardon) else redis.call('ZREM', DEADLINES, id) end
  end
  keep_alive()
  return '{"known":' .. (known and 'true' or 'false') .. ',"due":' .. #due .. '}'
end

function operations.forget_user(arguments)
  each(SESSIONS, function(_, session)
    if session.user == arguments.user and session.state == 'ended' then forget(session) end
  end)
  each(UNRECORDED, function(id, session)
    if session.user == arguments.user then redis.call('HDEL', UNRECORDED, id) end
  end)
  return 'true'
end
