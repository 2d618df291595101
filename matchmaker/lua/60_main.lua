-- Runs the batch; a change that fails does not stop those behind it.

local replies = {}
for i, arguments in ipairs(cjson.decode(ARGV[4])) do
  now = arguments.now
  local fine, reply = pcall(operations[arguments.op], arguments)
  replies[i] = fine and reply or '!' .. tostring(reply)
end
if #changes > 0 then
  redis.call('XADD', CHANGES, 'MAXLEN', '~', 65536, '*', 'c', '[' .. table.concat(changes, ',') .. ']')
end
return replies
