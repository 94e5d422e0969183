# The channels that are shipped, against what they talk to: a broker and a server on loopback that the tests start.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/broker
load ../lib/deliver

setup_file() {
	ward
	if command -v python3 >/dev/null; then
		python3 "$EHR_ROOT/tests/lib/answer.py" "$F" >"$F/server.log" 2>&1 3>&- &
		echo $! >"$F/server.pid"
	fi
	if command -v mosquitto >/dev/null && command -v mosquitto_sub >/dev/null; then
		start_broker
	fi
}

teardown_file() {
	local pid
	for pid in "$F"/*.pid; do
		[ ! -e "$pid" ] || kill "$(cat "$pid")" 2>/dev/null || :
	done
}

server() {
	[ -e "$F/server.pid" ] || skip 'Python 3 is not there'
	for _ in {1..100}; do
		[ ! -s "$F/port" ] || break
		sleep 0.1
	done
	: >"$F/requests"
	printf 'http://127.0.0.1:%s' "$(cat "$F/port")" >server
}

# Runs one intent through the webhook to the path PATH; the allowed addresses are those of the server.
post() {
	rm -rf spool site P
	COMMAND="[channels/webhook${SHAPE:+, $SHAPE}]" ADDRESS="$(cat server)/$2" spool "$EHR_ROOT/share/channels/webhook" \
		"secret: hook, allow: [\"$(cat server)/\"],"
	mkdir -p -m 700 secrets
	(umask 077 && echo whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= >secrets/hook)
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	ehr "$1" ehr-deliver run -P P -S site --spool spool --secrets secrets --drain
}

@test "sign: the signature of Standard Webhooks; while a secret is changed each signs" {
	key=whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
	printf '{"ehr":{"v":1,"stage":"message"}}' >body
	line 0 "ehr-deliver sign --id n_aucs4fn7vkvzuwdalkncaqhsme --at 1767225600 <body 3<<<'$key'"
	same out <<<'v1,mx9FTDUMhW9xYZPvw0K4HYAwSHtCRDGiPcEVU+LVP8k='
	line 0 "ehr-deliver sign --id n_aucs4fn7vkvzuwdalkncaqhsme --at 1767225600 <body 3<<<'$key whsec_AAAA'"
	has out 'v1,mx9FTDUMhW9xYZPvw0K4HYAwSHtCRDGiPcEVU+LVP8k= v1,'
	for bad in '' whsk_AAAA whsec_ 'whsec_A' "$key x" 'whsec_AA!A'; do
		line 6 "ehr-deliver sign --id n --at 1 <body 3<<<'$bad'"
	done
	line 6 'ehr-deliver sign --id n --at 1 <body 3<&-'
	line 2 'ehr-deliver sign --id n --at soon <body'
}

@test "allow: any other address is given up, and so is a host that only begins alike" {
	local to
	for to in http://127.0.0.1/x https://hooks.hospital.example/x https://a.b.hospital.example/ https://hospital.example/ \
		https://x@hooks.hospital.example/ https://hooks.hospital.example.evil.example/ \
		https://evil.example/hooks.hospital.example/ https://.hospital.example/ HTTPS://hooks.hospital.example/; do
		rm -rf spool site P
		ADDRESS=$to spool "$(channel 'exit 0')" 'allow: ["https://*.hospital.example/"],'
		intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
		ehr-deliver run -P P -S site --spool spool --drain 2>/dev/null || :
		printf '%s %s\n' "$(ehr-deliver list --spool spool | jq -r '[.state, .reason // "-"] | join(" ")')" "$to"
	done >told
	same told <<-'END'
		dead address http://127.0.0.1/x
		done - https://hooks.hospital.example/x
		done - https://a.b.hospital.example/
		dead address https://hospital.example/
		dead address https://x@hooks.hospital.example/
		dead address https://hooks.hospital.example.evil.example/
		dead address https://evil.example/hooks.hospital.example/
		dead address https://.hospital.example/
		dead address HTTPS://hooks.hospital.example/
	END
	rm -rf spool site P
	ADDRESS=http://127.0.0.1/ spool "$(channel 'exit 0')"
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	run_drain 1
	[ "$(state n_a1)" = dead ]
	sed -i '/file:/s/slots: 1,/slots: 1, allow: ["https:\/\/hospital.example"],/' P/notify.yaml
	ehr 3 ehr-deliver run -P P -S site --spool spool --drain
	has err "expected a '/' behind the host"
}

@test "webhook: a message arrives once, with its id, time and signature" {
	server
	post 0 200/x
	[ "$(wc -l <"$F/requests")" -eq 1 ]
	jq -j .body "$F/requests" >body
	[ "$(jq -r .ehr.id body)" = n_a1 ]
	[ "$(jq -r '.headers["webhook-id"]' "$F/requests")" = n_a1 ]
	ehr-deliver sign --id n_a1 --at "$(jq -r '.headers["webhook-timestamp"]' "$F/requests")" <body 3<secrets/hook >want
	jq -r '.headers["webhook-signature"]' "$F/requests" | cmp - want
}

@test "webhook: a message in the shape of FHIR R4 and of oneM2M, as share/jq writes it, and signed as it is sent" {
	local shape
	server
	for shape in fhir-r4 onem2m; do
		: >"$F/requests"
		SHAPE=$shape post 0 200/x
		jq -j .body "$F/requests" >body
		ehr-deliver sign --id n_a1 --at "$(jq -r '.headers["webhook-timestamp"]' "$F/requests")" <body 3<secrets/hook >want
		jq -r '.headers["webhook-signature"]' "$F/requests" | cmp - want
		cp body "$shape"
	done
	[ "$(jq -r '.entry[0].resource.parameter[0].valueReference.reference' fhir-r4)" = Subscription/nurse-7 ]
	[ "$(jq -r '.. | .valueReference? // empty | .reference' fhir-r4 | tail -n 1)" = r_a1/N ]
	echo >>onem2m
	same onem2m <<<'{"m2m:sgn":{"nev":{"net":1,"rep":{"m2m:uri":"r_a1/N"}},"sur":"nurse-7"}}'
}

@test "webhook: what the answer says is carried out; a redirect is not followed" {
	local path what
	server
	for path in 204 410 400 413 422 302 429/7 503/90 500 404; do
		post "$(case $path in 2*) echo 0 ;; 41[03] | 4[02][02]) echo 1 ;; *) echo 75 ;; esac)" "$path"
		what=$(sqlite3 spool/spool.db "SELECT state, (SELECT result FROM attempt), (SELECT state FROM subscription) FROM intent")
		printf '%s %s\n' "$path" "$what"
	done >told
	same told <<-'END'
		204 done|0|
		410 dead|67|error
		400 dead|65|
		413 dead|65|
		422 dead|65|
		302 held|75|
		429/7 held|75|
		503/90 held|75|
		500 held|75|
		404 held|75|
	END
	ehr 1 grep -q '"/200"' "$F/requests"
	post 75 503/90
	[ "$(sqlite3 spool/spool.db 'SELECT due - finished FROM intent, attempt')" -ge 89000 ]
}

@test "webhook: nobody listens, or the address is malformed" {
	server
	printf 'http://127.0.0.1:1' >server
	post 75 x
	[ "$(state n_a1)" = held ]
	post 1 'a b'
	[ "$(state n_a1)" = dead ]
}

@test "mqtt: a message arrives at the broker, under the name that the secret gives" {
	[ -e "$F/broker.port" ] || skip 'mosquitto is not there'
	local port
	port=$(cat "$F/broker.port")
	COMMAND="[channels/mqtt, 127.0.0.1, \"$port\"]" ADDRESS=ehr/p/nurse7 spool "$EHR_ROOT/share/channels/mqtt" 'secret: mqtt,'
	mkdir -m 700 secrets
	(umask 077 && printf -- '-u ward\n-P hidden-word\n' >secrets/mqtt)
	local listen=(mosquitto_sub -h 127.0.0.1 -p "$port" -u ward -P hidden-word -c -i ward -q 1 -t 'ehr/p/#')
	# The broker keeps for it what comes after this.
	"${listen[@]}" -E
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	ehr 0 ehr-deliver run -P P -S site --spool spool --secrets secrets --drain
	"${listen[@]}" -v -C 1 -W 60 >heard
	[ "$(cut -d' ' -f1 heard)" = ehr/p/nurse7 ]
	[ "$(cut -d' ' -f2- heard | jq -r .ehr.id)" = n_a1 ]
	ehr 1 grep -rq hidden-word spool
	# A wrong name, and a topic with wildcards.
	(umask 077 && echo '-u nobody' >secrets/mqtt)
	intent a2 nurse-7 | ehr-deliver enqueue --spool spool -q
	ehr 75 ehr-deliver run -P P -S site --spool spool --secrets secrets --drain
	[ "$(state n_a2)" = held ]
	sed -i 's/nurse7/#/' site/subscriptions/ward.ndjson
	intent a3 nurse-7 | ehr-deliver enqueue --spool spool -q
	ehr 75 ehr-deliver run -P P -S site --spool spool --secrets secrets --drain
	[ "$(state n_a3)" = dead ]
}

# Tries again what waits, and succeeds when all is done.
all_done() {
	ehr-deliver retry --spool spool --channel file --subscription nurse-7
	ehr-deliver list --spool spool | jq -e -s 'all(.state == "done")' >/dev/null
}

heard_at_least() { [ "$(wc -l <heard)" -ge "$1" ]; }

@test "mqtt: a broker that ends in mid-run and starts again: nothing is lost, duplicates have the same id" {
	[ -e "$F/broker.port" ] || skip 'mosquitto is not there'
	local port daemon listener broker
	port=$(cat "$F/broker.port")
	mkdir kept
	cat "$F/broker.conf" - >"$F/broker.kept" <<<$'persistence true\npersistence_location '"$PWD/kept/"
	kill "$(cat "$F/broker.pid")"
	wait_until mosquitto_is_gone "$(cat "$F/broker.pid")"
	mosquitto -c "$F/broker.kept" >>"$F/broker.log" 2>&1 3>&- &
	broker=$!
	echo "$broker" >"$F/broker.pid"
	wait_until mosquitto_pub -h 127.0.0.1 -p "$port" -u ward -P hidden-word -t t -m m
	COMMAND="[channels/mqtt, 127.0.0.1, \"$port\"]" ADDRESS=ehr/k/nurse7 spool "$EHR_ROOT/share/channels/mqtt" 'many: 5, secret: mqtt,'
	mkdir -m 700 secrets
	(umask 077 && printf -- '-u ward\n-P hidden-word\n' >secrets/mqtt)
	stdbuf -oL mosquitto_sub -h 127.0.0.1 -p "$port" -u ward -P hidden-word -c -i listener -q 1 -t 'ehr/k/#' >heard 2>/dev/null 3>&- &
	listener=$!
	# Retained, so that it comes whenever the listener is there.
	mosquitto_pub -h 127.0.0.1 -p "$port" -u ward -P hidden-word -r -q 1 -t ehr/k/begin -m '{"ehr":{"id":"begin"}}'
	wait_until heard_at_least 1
	for i in {1..40}; do intent "k$i" nurse-7; done | ehr-deliver enqueue --spool spool | jq -r .id | sort >durable
	ehr-deliver run -P P -S site --spool spool --secrets secrets 2>/dev/null 3>&- &
	daemon=$!
	wait_until heard_at_least 8
	kill "$broker"
	wait "$broker" || :
	[ "$(ehr-deliver list --spool spool | jq -s 'map(select(.state != "done")) | length')" -gt 0 ]
	mosquitto -c "$F/broker.kept" >>"$F/broker.log" 2>&1 3>&- &
	echo $! >"$F/broker.pid"
	wait_until all_done
	wait_until all_heard
	kill "$daemon"
	wait "$daemon"
	kill "$listener"
}

mosquitto_is_gone() { ! kill -0 "$1" 2>/dev/null; }

all_heard() {
	jq -r .ehr.id heard | grep -v begin | sort -u | cmp -s - durable
}

@test "mail and exec: a letter without the record; a program of one's own" {
	mkdir bin
	printf '#!/bin/sh\ncat >letter\n' >bin/sendmail
	chmod +x bin/sendmail
	message='{"ehr":{"v":1,"stage":"message","id":"n_a1","subject":"s_a","rl":"N","criticality":"critical"},"kind":"data","ref":"r_a1/N","to":"ward@hospital.example","try":1,"ack":"t_x","ack_by":"2026-01-01T00:00:00.000Z","notices":["part2-notice"]}'
	PATH="$PWD/bin:$PATH" ehr 0 "$EHR_ROOT/share/channels/mail" ward@clinic.example <<<"$message"
	same out <<<'{"id":"n_a1","code":0}'
	sed 's/t_x/T/' letter >shown
	has shown 'To: ward@hospital.example'
	has shown 'Subject: critical: data n_a1'
	has shown 'ack n_a1 T'
	has shown '42 CFR part 2'
	lacks letter s_a
	PATH="$PWD/bin:$PATH" ehr 0 "$EHR_ROOT/share/channels/mail" <<<"${message/ward@hospital.example/-oQ/x y\\nBcc: z@z}"
	same out <<<'{"id":"n_a1","code":65}'
	ehr 7 "$EHR_ROOT/share/channels/exec" sh -c 'cat >got; exit 7' <<<"$message"
	[ "$(cat got)" = "$message" ]
	ehr 0 "$EHR_ROOT/share/channels/exec" sh --check
	ehr 0 "$EHR_ROOT/share/channels/webhook" --check
	ehr 0 "$EHR_ROOT/share/channels/file" x --check
}

@test "addresses: a subscription whose address holds control characters, is empty, too long or begins with '-' does not count" {
	local to
	# A line end, a tab, DEL, a control character of two bytes, a separator of lines.
	for to in EMPTY - -oQ/tmp 'nurse7\n' 'nurse7\r\nBcc: x' 'nurse\t7' '\u007f' 'a\u0085b' 'a\u2028b' "$(printf '%02049d' 7)"; do
		rm -rf spool site P
		ADDRESS=$to spool "$(channel 'cat >>log; exit 0')"
		sed -i 's/EMPTY//' site/subscriptions/ward.ndjson
		intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
		ehr 0 ehr-deliver run -P P -S site --spool spool --drain
		has err '1 subscriptions do not count'
		[ "$(state n_a1)" = stopped ]
		[ ! -e spool/log ]
	done
	ehr 1 ehr-notify -P P -S site --now "$now" /dev/null
	has err "expected an address: at most 2048 bytes, no control characters, and no '-' in front"
	for to in nurse7 'söster 7' "$(printf '%02048d' 7)"; do
		rm -rf spool site P
		ADDRESS=$to spool "$(channel 'cat >>log; exit 0')"
		intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
		run_drain 0
		[ "$(jq -r .to spool/log)" = "$to" ]
	done
	sed -i 's/to: desk/to: "-desk"/' P/notify.yaml
	ehr 3 ehr-deliver run -P P -S site --spool spool --drain
	has err 'expected an address'
}

# The address $1 as a channel gets it that nobody asked before.
told() {
	jq -cn --argjson to "$1" '{ehr: {v: 1, stage: "message", id: "n_a1", criticality: "critical"}, kind: "data", to: $to, try: 1, expires: "2038-01-01T00:00:00.000Z"}'
}

# A program NAME that only notes its arguments.
noting() {
	mkdir -p bin
	printf '#!/bin/sh\nprintf "%%s\\n" "$@" >>called\ncat >>input\n' >"bin/$1"
	chmod +x "bin/$1"
}

@test "addresses: each channel refuses what its program could take for another line, option or place" {
	local channel to program argument
	for program in curl sendmail mosquitto_pub; do noting "$program"; done
	for channel in file mail mqtt webhook; do
		argument=x
		[ "$channel" != webhook ] || argument=onem2m
		local -a common=('"a\n"' '"\nBcc: x@y.example"' '"-x"' '""' '"\u0000"' '"a\tb"')
		case $channel in
		file) more=('"../x"' '"a/b"' '".x"' '"{a,b}"' '"a b"' '"@x"' '"file:///x"' '"%0d%0a"' '"é"') ;;
		mail) more=('"-f@x.example"' '"a@x.example\n"' '"a@-x"' '"a b@x.example"' '"a@x.example,b@y.example"' '"a@x.example\r\nBcc: b@y.example"' '"file:///x"' '"@x"') ;;
		mqtt) more=('"a/#"' '"a/+"' '"a/b\n"' '"#"' '"+/a"' '"$SYS/a"' '"$CONTROL/dynamic-security/v1"') ;;
		*) more=('"https://h.example/\n"' '"http://127.0.0.1/x\n"' '"http://h.example/"' '"file:///etc/passwd"' '"gopher://h.example/"' '"https://h.example/\" x"'
			'"https://h.example/a b"' '"https://h.example/a/../b"' '"https://h.example/%2e%2E"' '"https://h.example/.%2e?x"' '"@x"' '"HTTPS://h.example/"') ;;
		esac
		for to in "${common[@]}" "${more[@]}"; do
			told "$to" >message
			line 0 "PATH='$PWD/bin:$PATH' '$EHR_ROOT/share/channels/$channel' $argument <message 3<&-"
			same out <<<'{"id":"n_a1","code":65}'
			[ ! -e called ]
		done
	done
	[ -z "$(find x -type f)" ]
}

@test "webhook: curl reads no file of its own, takes braces as they are, and gets nothing where no signature can be made" {
	noting curl
	told '"https://h.example/{a,b}[1-3]%0d%0a"' >message
	line 0 "PATH='$PWD/bin:$PATH' '$EHR_ROOT/share/channels/webhook' <message 3<&-"
	[ "$(head -n 2 called | tr '\n' ' ')" = '-q --globoff ' ]
	ehr 1 grep -q h.example called
	rm called
	for secret in '' whsec_ nonsense; do
		echo "$secret" >secret
		line 0 "PATH='$PWD/bin:$PATH' '$EHR_ROOT/share/channels/webhook' <message 3<secret"
		same out <<<'{"id":"n_a1","code":78}'
	done
	# `sign` cannot be run at all: that may pass.
	printf '#!/bin/sh\nexit 126\n' >bin/ehr-deliver
	chmod +x bin/ehr-deliver
	line 0 "PATH='$PWD/bin:$PATH' '$EHR_ROOT/share/channels/webhook' <message 3<secret"
	same out <<<'{"id":"n_a1","code":75}'
	[ ! -e called ]
}

# Only what NAMES says is installed besides what the system itself needs.
installed() {
	local name
	rm -rf few
	mkdir few
	for name in sh date dirname mkdir mktemp rm cat sync base64 env ehr-deliver "$@"; do
		ln -s "$(command -v "$name")" "few/$name"
	done
}

@test "a program that a channel needs and that is missing: check names it, and no message is taken for sent" {
	local row channel programs program
	told '"x"' >message
	for row in 'file: jq' 'mail: jq sendmail' 'mqtt: jq mosquitto_pub' 'webhook: jq curl'; do
		channel=${row%%:*} programs=${row#*: }
		for program in $programs; do
			for name in $programs; do noting "$name"; done
			rm -f bin/jq
			PATH="$PWD/bin:$PATH" installed $programs
			rm "few/$program"
			line 69 "PATH='$PWD/few' '$EHR_ROOT/share/channels/$channel' x --check"
			same err <<<"$program is not installed"
			line 69 "PATH='$PWD/few' '$EHR_ROOT/share/channels/$channel' x <message 3<&-"
			empty out
			has err "$program is not installed"
		done
	done
	line 69 "'$EHR_ROOT/share/channels/exec' no-such-program --check"
	same err <<<'no-such-program is not installed'
	line 69 "'$EHR_ROOT/share/channels/webhook' no-such-shape --check"
	same err <<<'share/jq has no shape no-such-shape'
}

@test "a jq that fails gives no answer that a message was taken: it stays, and is tried again" {
	local channel
	for program in curl sendmail mosquitto_pub; do noting "$program"; done
	printf '#!/bin/sh\nexit 137\n' >bin/jq
	chmod +x bin/jq
	echo '{}' >message
	for channel in file mail mqtt webhook; do
		line 75 "PATH='$PWD/bin:$PATH' '$EHR_ROOT/share/channels/$channel' ${channel/webhook/onem2m} <message 3<&-"
		empty out
		[ ! -e called ]
	done
	# The shape alone fails.
	printf '#!/bin/sh\ncase $1 in -c) exit 137 ;; esac\nexec %s "$@"\n' "$(command -v jq)" >bin/jq
	told '"https://h.example/"' >message
	line 0 "PATH='$PWD/bin:$PATH' '$EHR_ROOT/share/channels/webhook' onem2m <message 3<&-"
	same out <<<'{"id":"n_a1","code":75}'
	has err 'the shape onem2m cannot be made: jq ended with 137'
	[ ! -e called ]
}

@test "what fails is said in status: curl, the receiver's answer, sendmail" {
	server
	post 75 500
	[ "$(sqlite3 spool/spool.db 'SELECT error FROM channel')" = 'the receiver answered 500' ]
	printf 'http://127.0.0.1:1' >server
	post 75 x
	[ "$(sqlite3 spool/spool.db 'SELECT error FROM channel')" = 'curl ended with 7: see EXIT CODES in curl(1)' ]
	noting sendmail
	echo 'exit 71' >>bin/sendmail
	told '"a@h.example"' >message
	line 0 "PATH='$PWD/bin:$PATH' '$EHR_ROOT/share/channels/mail' <message"
	same out <<<'{"id":"n_a1","code":71}'
	same err <<<'sendmail ended with 71'
	rm -rf spool site P
	spool "$(channel 'echo "no paper" >&2; exit 1')"
	ehr 1 ehr-deliver check -P P --spool spool
	same err <<<'ehr-deliver: channel file: --check ends with 1: no paper'
}

@test "a spool and a copy of it may lie under a symbolic link" {
	spool
	mkdir real
	mv spool real/spool
	ln -s real link
	ln -s real/spool spool
	intent a1 nurse-7 | ehr-deliver enqueue --spool link/spool -q
	run_drain 0
	[ "$(ehr-deliver list --spool link/spool | jq -r .state)" = "done" ]
	ehr 0 ehr-deliver backup --spool link/spool link/copy.db
	[ -s real/copy.db ]
	# The database itself may be none.
	mv real/spool/spool.db real/other.db
	ln -s ../other.db real/spool/spool.db
	ehr 4 ehr-deliver list --spool spool
}
