-- Where things are kept and how they are read and written.
--
-- The parts of this folder are joined, in the order of their names, to one
-- script. It is called with a batch of changes; each is atomic, and so is the
-- batch, because Redis runs one script at a time.
--
-- KEYS[1]  prefix of all keys: a hash tag, so that they live in one slot
-- ARGV[1]  rules as JSON   ARGV[2]  node   ARGV[3]  seed for breaking ties
-- ARGV[4]  the batch: JSON array of {op, now, ...arguments}
--
-- Values are JSON objects with the fields of matchmaker/model.py. Absent
-- strings are "" and absent times 0, because Lua and JSON disagree on null.

local PREFIX = KEYS[1]
local rules = cjson.decode(ARGV[1])
local node = ARGV[2]
math.randomseed(tonumber(ARGV[3]))

local function key(name)
  return PREFIX .. ':' .. name
end

local SESSIONS = key('sessions')     -- hash: session id -> session
local USERS = key('users')           -- hash: user -> id of the newest session
local HOSTS = key('hosts')           -- hash: host id -> host with its instances
local INSTANCES = key('instances')   -- hash: instance id -> host id
local POOLS = key('pools')           -- hash: pool id -> attributes
local POOL_SIZES = key('pool_sizes') -- hash: pool id -> number of instances
local MATCHING = key('matching')     -- hash: demand id -> {pool id: version}; a cache
local DEMANDS = key('demands')       -- hash: demand id -> attributes; only with waiters
local DEADLINES = key('deadlines')   -- sorted set: session id by time
local LEASES = key('leases')         -- sorted set: node by time
local UNRECORDED = key('unrecorded') -- hash: session id -> ended session
local META = key('meta')             -- hash: sequence, waiting
local CHANGES = key('changes')       -- stream: field c, JSON array of changes

local function pool_key(pool)        -- sorted set: host id by rank
  return key('pool:' .. pool)
end

local function line_key(demand)      -- sorted set: session id by score
  return key('line:' .. demand)
end

local now = 0
local changes = {}

local function load(hash, id)
  local raw = redis.call('HGET', hash, id)
  return raw and cjson.decode(raw) or nil
end

local function save(hash, id, value)
  local raw = cjson.encode(value)
  redis.call('HSET', hash, id, raw)
  return raw
end

local function each(hash, visit)
  local flat = redis.call('HGETALL', hash)
  for i = 1, #flat, 2 do
    visit(flat[i], cjson.decode(flat[i + 1]))
  end
end

local NODE_JSON = cjson.encode(node)

-- The session comes as the JSON that was just stored: encoding it is what costs most.
local function tell(kind, session_json, subject, reason)
  changes[#changes + 1] = '{"kind":"' .. kind .. '","node":' .. NODE_JSON
    .. (session_json and ',"session":' .. session_json or '')
    .. (subject and ',"subject":' .. cjson.encode(subject) or '')
    .. (reason and ',"reason":"' .. reason .. '"' or '') .. '}'
end

-- The names of pools and demands end with the node, if there is one; see pool_id in model.py.
local function node_of(name)
  return string.match(name, '&node=([^&]*)$') or ''
end

local function at_node(name, node_name)
  return (string.gsub(name, '&node=[^&]*$', '')) .. '&node=' .. node_name
end

local function matches(demand, pool)
  for name, value in pairs(demand) do
    if pool[name] ~= value then return false end
  end
  return true
end

local function compatible(one, other)
  for name, value in pairs(one) do
    if other[name] ~= nil and other[name] ~= value then return false end
  end
  return true
end
