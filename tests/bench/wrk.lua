-- The requests of `cio-import --dry-run`, one after another: the file's name comes in BENCH_REQUESTS.
local requests, next_one = {}, 0

init = function()
	local headers = {
		["Content-Type"] = "application/json",
		["Authorization"] = "Basic c2FuZGJveDpzYW5kYm94",
		["User-Agent"] = "wrk",
	}
	for line in io.lines(os.getenv("BENCH_REQUESTS")) do
		local method, path, body = line:match('^{"record":%d+,"method":"(%u+)","path":"([^"]+)","body":(.*)}$')
		requests[#requests + 1] = wrk.format(method, path, headers, body)
	end
end

request = function()
	next_one = next_one % #requests + 1
	return requests[next_one]
end
