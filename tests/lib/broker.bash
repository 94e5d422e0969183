# shellcheck shell=bash
# A broker on loopback, with a user `ward` and its password `hidden-word`.
#
#	start_broker        in setup_file; $F/broker.pid and $F/broker.port are there if one runs
#	stop_broker         in teardown_file

# Tries a few ports.
start_broker() {
	local port pid
	# A port by chance: a broker of another run that has this one would answer in its place, and end with it.
	for _ in {1..4}; do
		port=$((20000 + RANDOM % 12000))
		printf 'user root\nlistener %s 127.0.0.1\nallow_anonymous false\npassword_file %s\n' "$port" "$F/passwords" >"$F/broker.conf"
		: >"$F/passwords"
		mosquitto_passwd -b "$F/passwords" ward hidden-word 2>/dev/null
		mosquitto -c "$F/broker.conf" >"$F/broker.log" 2>&1 3>&- &
		pid=$!
		for _ in {1..50}; do
			kill -0 "$pid" 2>/dev/null || break
			if mosquitto_pub -h 127.0.0.1 -p "$port" -u ward -P hidden-word -t t -m m 2>/dev/null && kill -0 "$pid" 2>/dev/null; then
				echo "$pid" >"$F/broker.pid"
				echo "$port" >"$F/broker.port"
				return 0
			fi
			sleep 0.1
		done
		kill "$pid" 2>/dev/null || :
	done
}

stop_broker() {
	[ ! -e "$F/broker.pid" ] || kill "$(cat "$F/broker.pid")" 2>/dev/null || :
}
