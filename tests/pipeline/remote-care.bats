# The use case of remote care from the device to the person who comes: measured, sealed on the device, carried by a broker,
# opened, judged by its value alone, sealed by levels, notified and delivered to the right people, in order; escalation,
# acknowledgement, silence; and nobody else learns anything.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/broker
load ../lib/notify

setup_file() {
	DOMAIN=remote-care told "$EHR_ROOT/policies/remote-care"
	SUBJECT=$(ehr-keys pseudonym -P "$P" -S site --kind subject Patient/canary-anna)
	other=$(ehr-keys pseudonym -P "$P" -S site --kind subject Patient/canary-otto)
	# The policy as it is shipped, but the second step begins after two seconds, and the last resort is a file, too.
	cp -r "$P" P
	sed -i 's/, after: 60s}/, after: 2s}/; s/^last_resort:.*/last_resort: {channel: file, to: desk}/' P/notify.yaml
	P=$F/P
	now=$(date -u +%FT%TZ)
	granted medic 3 paramedic
	granted nurse 3 nurse
	granted doctor 5 physician
	granted chief 5 charge-nurse
	granted daughter 1 family
	SUBJECT=$other granted stranger 5 nurse
	{
		subscribed medic first-responder "$(route medic)"
		subscribed nurse care-team "$(route nurse)"
		subscribed doctor on-call-physician "$(route doctor)"
		subscribed chief supervisor "$(route chief)"
		subscribed daughter family "$(route daughter)"
		SUBJECT=$other subscribed stranger care-team "$(route stranger)"
	} >site/subscriptions/people.ndjson
	ehr-deliver init -P P -S site
	# The device seals to the application server: it needs that public key and no other.
	ehr-keys make --kind reader --keys server --authority site/authority.jwks >/dev/null
	ehr-keys list --self --keys server | jq -c '.enc.jwk + {domain: "remote-care"}' >server.jwk
	command -v mosquitto_sub >/dev/null && command -v mosquitto >/dev/null && start_broker
	export SUBJECT P now
}

teardown_file() { stop_broker; }

teardown() {
	[ ! -e daemon.pid ] || kill "$(cat daemon.pid)" 2>/dev/null || :
}

route() { printf ',"route":[{"channel":"file","to":"%s"}]' "$1"; }

# reading ID CODE VALUE UNIT [MORE]: what a device sends; no word of how urgent it is.
reading() {
	printf '{"resourceType":"Observation","id":"canary-%s","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"%s"}]},"subject":{"reference":"Patient/canary-anna"},"effectiveDateTime":"%s","device":{"display":"canary-device"},"valueQuantity":{"value":%s,"unit":"%s","system":"http://unitsofmeasure.org","code":"%s"}%s}\n' \
		"$1" "$2" "$now" "$3" "$4" "$4" "${5:-}"
}

# From opened lines to intents.
onwards() {
	ehr-classify -P "$P" 2>>"$F/said" | ehr-redact -P "$P" -S "$F/site" 2>>"$F/said" | ehr-seal -P "$P" -S "$F/site" --batch "b_$1" |
		tee -a "$F/sealed" | ehr-notify -P "$P" -S "$F/site" --now "$now"
}

# Through the broker, as the device and the application server do it.
carried() {
	local auth=(-h 127.0.0.1 -p "$(cat "$F/broker.port")" -u ward -P hidden-word)
	# The server's subscription outlives its connection.
	mosquitto_sub "${auth[@]}" -c -i server -q 1 -t readings -E
	ehr-ingest --from lines measured | ehr-seal --to "$F/server.jwk" | tee -a "$F/carried" | mosquitto_pub "${auth[@]}" -q 1 -t readings -l
	mosquitto_sub "${auth[@]}" -c -i server -q 1 -t readings -W 60 -C "$(wc -l <measured)" | tee received | ehr-open --key "$F/server" --record
}

wait_for() {
	local tries=0
	until eval "$1"; do
		[ $((tries += 1)) -lt 1200 ] || { echo "waited for: $1"; ehr-deliver status -S "$F/site"; return 1; }
		sleep 0.05
	done
}

of() { grep -c . "$F/site/spool/out/$1" 2>/dev/null || echo 0; }
waiting() { ehr-deliver list -S "$F/site" | jq -s '[.[] | select(.state == "due" or .state == "sending")] | length'; }

@test "remote care: from the device to who comes" {
	[ -e "$F/broker.port" ] || skip 'mosquitto is not there'
	local token
	# 4,000 readings that are nobody's hurry wait.
	reading calm 8867-4 70 /min >one
	for number in {1..4000}; do printf '%s\n' "$number"; done |
		awk -v one="$(cat one)" '{ line = one; sub(/canary-calm/, "canary-calm-" $1, line); print line }' >measured
	ehr-ingest --from lines measured | onwards AAAAAAAAAAAAAAAAAAAAAA >calm
	[ "$(jq -r '[.to.party, .ehr.criticality] | join(" ")' calm | sort | uniq -c | sed 's/^ *//')" = '4000 nurse routine' ]
	ehr-deliver enqueue -S "$F/site" -q calm
	ehr-deliver run -P "$P" -S "$F/site" >daemon.out 2>&1 3>&- &
	echo $! >daemon.pid
	wait_for '[ "$(of nurse)" -gt 0 ]'

	# Saturation of 82 %, and nothing else that says how urgent it is.
	reading grave 59408-5 82 % >measured
	carried >opened
	[ "$(jq -c .ehr.criticality opened)" = null ]
	onwards BBBBBBBBBBBBBBBBBBBBBA <opened >urgent
	jq -r '[.to.party // "desk", .kind, .ehr.rl // "-", .ehr.criticality, .deadline.after, .deadline.dispatch] | join(" ")' urgent >told
	same told <<-'END'
		medic data N critical PT0S PT5S
		nurse data N critical PT0S PT5S
		doctor data V critical PT2S PT5S
		chief data V critical PT3M PT5S
		desk last-resort - critical PT5M PT5S
	END
	ehr-deliver enqueue -S "$F/site" -q urgent
	wait_for '[ "$(of medic)" -eq 1 ]'
	# The first responder hears of it while most of the 4,000 still wait.
	ehr-deliver list -S "$F/site" >spool.ndjson
	jq -se '
		(.[] | select(.subscription == "medic").first_sent) as $at
		| [.[] | select(.criticality == "routine" and (.first_sent == null or .first_sent > $at))] | length > 2000' spool.ndjson

	# Nobody takes charge: the physician on call is next; then she does.
	wait_for '[ "$(of doctor)" -eq 1 ]'
	token=$(jq -r .ack "$F/site/spool/out/doctor")
	ehr 0 ehr-deliver ack -S "$F/site" --token "$token" "$(jq -r .ehr.id "$F/site/spool/out/doctor")"
	ehr-deliver list -S "$F/site" | jq -r 'select(.criticality == "critical") | [.subscription // "desk", .step, .state, .reason] | @tsv' | sort >states
	same states <<-'END'
		chief	2	cancelled	acked
		desk	3	cancelled	acked
		doctor	1	acked	acked
		medic	0	acked	acked
		nurse	0	acked	acked
	END

	# A value that is a little off is for family, at her level: that something was measured, and no value.
	reading warm 8867-4 100 /min >measured
	carried | onwards CCCCCCCCCCCCCCCCCCCCCA >mild
	[ "$(jq -r '[.to.party, .ehr.rl, .ehr.criticality] | join(" ")' mild | tr '\n' ' ')" = 'daughter L low nurse N low ' ]
	# One that its sender calls restricted shows nothing to a nurse, and she is told nothing.
	reading hidden 8867-4 100 /min ',"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}]}' >measured
	carried | onwards DDDDDDDDDDDDDDDDDDDDDA >restricted
	lacks restricted '"party":"nurse"'
	ehr-deliver enqueue -S "$F/site" -q mild restricted
	wait_for '[ "$(waiting)" -eq 0 ]'
	kill "$(cat daemon.pid)"
	wait "$(cat daemon.pid)" || :
	rm daemon.pid
	# All of it is out, once; silence for whoever came later, and a stranger hears nothing at all.
	[ "$(of nurse)" -eq 4002 ]
	[ "$(of medic) $(of doctor) $(of daughter) $(of chief) $(of desk) $(of stranger)" = '1 1 1 0 0 0' ]
	jq -c '[.kind, .ehr.rl, .ehr.criticality]' "$F/site/spool/out/daughter" >seen
	same seen <<<'["data","L","low"]'
	# What the service layer carries, keeps and sends tells no name, no device and no value.
	lacks "$F/carried" canary
	lacks "$F/sealed" canary
	lacks "$F/broker.log" canary
	run ! grep -raq canary "$F/site/spool" calm urgent mild restricted received
	run ! grep -raqE '"value"|mm\[Hg' "$F/site/spool" "$F/carried" "$F/sealed"
}

# desk SPOOL: what becomes of each intent for the last resort there.
desk() {
	ehr-deliver list --spool "$1" | jq -r 'select(.subscription == null) | [.kind, .step, .state, .reason // "-"] | join(" ")'
}

# news SPOOL LETTER: a critical reading, from its tags to intents in the spool.
news() {
	sealed "$(record "$2")" 0 L:1:low N:3:critical | ehr-notify -P "$P" -S "$F/site" --now "$now" | ehr-deliver enqueue --spool "$1" -q
}

@test "a last resort that a step names ends with the answer, and is told of a case once" {
	ehr-deliver init -P "$P" --spool spool
	news spool A
	news spool B
	desk spool >seen
	same seen <<-'END'
		last-resort 3 held -
		last-resort 3 cancelled merged
	END
	ehr 0 ehr-deliver ack --spool spool --by ward "$(ehr-deliver list --spool spool | jq -r 'select(.subscription == "medic").id' | head -n 1)"
	# Somebody takes care of him: a reading that comes now is told to those of the first step, and escalates to nobody.
	news spool C
	desk spool >seen
	same seen <<-'END'
		last-resort 3 cancelled acked
		last-resort 3 cancelled merged
		last-resort 3 cancelled acked
	END
}

@test "a last resort that a step names is told at once when no step before it reaches anybody" {
	ehr-deliver init -P "$P" --spool spool
	news spool A
	: >nobody.ndjson
	ehr 75 ehr-deliver run -P "$P" -S "$F/site" --spool spool --subscriptions nobody.ndjson --drain
	desk spool >seen
	same seen <<<'last-resort 3 sent -'
	[ "$(jq -r .why spool/out/desk)" = step ]
	ehr-deliver list --spool spool | jq -r 'select(.subscription != null) | [.subscription, .state, .reason] | join(" ")' >seen
	same seen <<-'END'
		daughter stopped gone
		medic stopped gone
		nurse stopped gone
		doctor stopped gone
		chief stopped gone
	END
}

@test "who carries, selects and delivers works where the keys cannot be read" {
	local carrier=()
	[ "$(id -u)" -ne 0 ] || carrier=(setpriv --bounding-set=-all --inh-caps=-all)
	reading secret 59408-5 82 % | ehr-classify -P "$P" 2>err | ehr-redact -P "$P" -S "$F/site" | ehr-seal -P "$P" -S "$F/site" >store
	notify 0 store
	ehr-deliver init -P "$P" --spool spool
	cp -r "$F/site" site
	chmod 000 site/keys
	run ! "${carrier[@]}" ls site/keys
	"${carrier[@]}" ehr-notify -P "$P" -S site --now "$now" <store >intents
	cmp out intents
	"${carrier[@]}" ehr-select -P "$P" -S site --grant "$F/nurse.grant" --now "$now" <store >selected
	[ "$(jq -r .ehr.rl selected)" = N ]
	"${carrier[@]}" ehr-deliver enqueue --spool spool -q intents
	ehr 75 "${carrier[@]}" ehr-deliver run -P "$P" -S site --spool spool --drain
	[ -s spool/out/nurse ] && [ -s spool/out/medic ]
	chmod 700 site/keys
}
