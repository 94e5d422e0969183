# Who is told of what: any ladder, any division of the work, and nothing about what lies above a reader's level.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/notify

setup_file() {
	told
	granted nurse 3 nurse
	granted doctor 5 physician
	granted child 1 family
	granted medic 3 paramedic
	granted officer 0 auditor
}

# ladder LEVELS...: a policy without tiers whose levels have the AL 0, 1, and so on
ladder() {
	local al=0 level
	rm -rf ladder
	mkdir ladder
	{
		printf 'policy: 1\nname: ladder\nserial: 1\nlevels:\n'
		for level; do
			printf '  - {name: %s, al: %s}\n' "$level" $al
			al=$((al + 1))
		done
		printf 'record: {type: .resourceType, id: .id, subject: .subject, roots: single}\n'
	} >ladder/policy.yaml
	printf 'classify: 1\ndefault: %s\nunknown_type: %s\ncriticality: {order: [routine, critical], default: routine}\n' "$1" "$1" >ladder/classify.yaml
	printf 'seal: 1\ndomain: hospital\npseudonyms: {id: stable, subject: stable}\npadding: none\n' >ladder/seal.yaml
	printf 'notify: 1\n' >ladder/notify.yaml
}

@test "each subscriber hears of the highest version within her AL, which ehr-select gives her, and of nothing else, with 2, 6 and 9 levels" {
	local count al low want letters=ABCDEFGHI
	for count in 2 6 9; do
		local levels=() versions=()
		for ((al = 0; al < count; al++)); do
			levels+=("L$al")
		done
		ladder "${levels[@]}"
		: >in
		for ((al = 0; al < count; al++)); do
			[ -e "$F/al$al.grant" ] || P=ladder granted "al$al" "$al" nurse
			subscribed "al$al" none | sed 's/"responder":"none",//' >>in
		done
		: >lines
		# A record a level, of which that level is the lowest that sees anything.
		for ((low = 0; low < count; low++)); do
			versions=()
			for ((al = low; al < count; al++)); do
				versions+=("L$al:$al:routine")
			done
			sealed "$(record "${letters:low:1}")" $((low * 16)) "${versions[@]}" >>lines
		done
		P=ladder notify 0 --subscriptions in --suppressed held lines
		[ "$(grep -c '"kind":"data"' out)" -eq $((count * (count + 1) / 2)) ]
		[ "$(wc -l <out)" -eq $((count * (count + 1) / 2)) ]
		[ "$(jq -r '[.to.party, .ehr.rl, (.ehr.al | tostring)] | join(" ")' out | sort -u | wc -l)" -eq "$count" ]
		jq -e 'select("al\(.ehr.al)" != .to.party or "L\(.ehr.al)" != .ehr.rl)' out && return 1
		want=$((count * (count - 1) / 2))
		[ "$(jq -r .reason held | grep -cx al)" -eq "$want" ]
		[ "$(wc -l <held)" -eq "$want" ]
		# By the same grant ehr-select gives the versions that she was told of, and no other.
		jq -c '. + {encrypted_key: ("A" * 54), iv: ("A" * 16), ciphertext: ("A" * 1400), tag: ("A" * 22)}' lines >store
		for ((al = 0; al < count; al++)); do
			jq -r "select(.to.party == \"al$al\").ref" out | sort >told
			ehr-select -P ladder --grant "$F/al$al.grant" --authority "$F/site/authority.jwks" --now "$now" store >selected
			jq -r '"\(.ehr.id)/\(.ehr.rl)"' selected | sort | same told
		done
	done
}

@test "of 1,000 random pairs of a person and a record: ehr-notify names the version that ehr-select gives her by decision and by grant" {
	local i al versions refs=0
	local -x SUBJECT
	local subjects=(s_BBBBBBBBBBBBBBBBBBBBBA s_CCCCCCCCCCCCCCCCCCCCCA s_DDDDDDDDDDDDDDDDDDDDDA)
	RANDOM=13
	ladder L0 L1 L2 L3 L4 L5
	: >in
	for ((i = 0; i < 25; i++)); do
		SUBJECT=${subjects[RANDOM % 3]}
		P=ladder granted "pair$i" $((RANDOM % 8)) nurse
		sed 's/"subscribe"/"read"/' "$F/decision" >"read$i"
		subscribed "pair$i" none | sed 's/"responder":"none",//' >>in
	done
	: >lines
	for ((i = 0; i < 40; i++)); do
		SUBJECT=${subjects[RANDOM % 3]}
		versions=()
		# Any of the levels, as the lowest may show nothing and a policy may have had fewer.
		for ((al = RANDOM % 6; al < 6; al += 1 + RANDOM % 2)); do versions+=("L$al:$al:routine"); done
		sealed "$(printf 'r_%021dA' "$i")" $((16 * i)) "${versions[@]}" >>lines
	done
	P=ladder notify 0 --subscriptions in lines
	mv out intents
	jq -c '. + {encrypted_key: ("A" * 54), iv: ("A" * 16), ciphertext: ("A" * 1400), tag: ("A" * 22)}' lines >store
	for ((i = 0; i < 25; i++)); do
		jq -r "select(.to.party == \"pair$i\").ref" intents | sort >told
		refs=$((refs + $(wc -l <told)))
		ehr-select -P ladder --decision "read$i" --now "$now" store >selected
		jq -r '"\(.ehr.id)/\(.ehr.rl)"' selected | sort | same told
		ehr-select -P ladder --grant "$F/pair$i.grant" --authority "$F/site/authority.jwks" --now "$now" store >selected
		jq -r '"\(.ehr.id)/\(.ehr.rl)"' selected | sort | same told
	done
	# About a third of the pairs are of one subject, and most of those are told.
	[ "$refs" -gt 150 ]
	[ "$refs" -lt 400 ]
	# Without grants nobody hears of anything.
	: >none
	P=ladder notify 1 --subscriptions in --grants none lines
	empty out
}

@test "parts that are cut between records give the same intents; a part that is cut inside one is refused" {
	local letter
	{
		subscribed nurse care-team
		subscribed doctor on-call-physician
		subscribed child family
	} >in
	for letter in A B C D E F; do
		sealed "$(record $letter)" 0 L:1:low N:3:high V:5:critical
	done >lines
	notify 0 --subscriptions in lines
	sort out >whole
	split -l 6 lines part.
	for part in part.*; do
		notify 0 --subscriptions in "$part"
		cat out >>parts
	done
	sort parts | cmp - whole
	head -n 5 lines | ehr 5 ehr-notify -P "$P" -S "$F/site" --now "$now" --subscriptions in
	has err 'versions-incomplete'
	tail -n 5 lines | ehr 5 ehr-notify -P "$P" -S "$F/site" --now "$now" --subscriptions in
	has err ':1: versions-incomplete'
}

@test "two records that differ only above a reader's level give her the same message, but for the floor notice" {
	subscribed nurse care-team >in
	sealed "$(record A)" 0 L:1:low N:3:medium V:5:medium >calm
	sealed "$(record A)" 0 L:1:low N:3:medium V:5:critical >urgent
	notify 0 --subscriptions in calm
	cp out calm.out
	notify 0 --subscriptions in urgent
	grep '"kind":"data"' out | cmp - calm.out
	grep -v '"kind":"data"' out >floor
	jq -c '[.kind, .ehr.criticality, has("ref"), .ehr.rl, .ehr.al, .ehr.record]' floor >seen
	same seen <<-'END'
		["floor","critical",false,null,null,null]
		["last-resort","critical",false,null,null,null]
	END
}

@test "data of a version that is less urgent covers no critical record: the last resort is called at once" {
	subscribed nurse care-team >in
	sealed "$(record A)" 0 L:1:low N:3:medium V:5:critical >lines
	notify 0 --subscriptions in lines
	has err 'covered-by-floor: '
	cp -r "$P" Q
	sed -i 's/^critical_floor:.*/critical_floor: suppress/' Q/notify.yaml
	P=Q notify 1 --subscriptions in lines
	has err 'uncovered: '
	jq -r '[.kind, .ehr.criticality, .why, .deadline.after] | map(. // "-") | join(" ")' out >seen
	same seen <<-'END'
		data medium - PT0S
		last-resort critical uncovered PT0S
	END
}

@test "in a step the classes come as the policy names them, first responders first, and in a class the subscriptions" {
	{
		subscribed nurse care-team
		subscribed nurse care-team | sed 's/"id":"[^"]*"/"id":"a-nurse"/'
		subscribed medic first-responder | sed 's/"id":"[^"]*"/"id":"z-medic"/'
	} >in
	sealed "$(record A)" 0 L:1:low N:3:critical >lines
	notify 0 --subscriptions in lines
	jq -r '[.kind, .to.step, .to.subscription] | map(. // "-") | join(" ")' out >order
	same order <<-'END'
		data 0 z-medic
		data 0 a-nurse
		data 0 nurse
		last-resort 3 -
	END
	# The policy names them the other way round.
	cp -r "$P" Q
	sed -i 's/first-responder, care-team\]/care-team, first-responder]/' Q/notify.yaml
	P=Q notify 0 --subscriptions in lines
	jq -r '.to.subscription // "-"' out >order
	same order <<<$'a-nurse\nnurse\nz-medic\n-'
}

@test "a list of revocations that is past its time stops data, and no floor notice" {
	subscribed nurse care-team >in
	sealed "$(record A)" 0 N:3:high V:5:critical >lines
	cp -r "$F/site" site
	ehr-keys revoke -S site --party officer --ttl 1h --now "$now" >/dev/null
	for after in 3599 3600; do
		now=$(date -u -d "2026-11-01T19:30:00Z + $after seconds" +%FT%TZ) notify 0 --revoked site/revoked.jwt --subscriptions in --suppressed held lines
		jq -r .kind out | tr '\n' ' '
		jq -r .reason held
		echo
	done >told
	same told <<-'END'
		data floor last-resort 
		floor last-resort revocation-stale

	END
}

@test "an offer to break the glass: the floor notice offers, and the class that keeps watch hears the offer's id" {
	cp -r "$P" Q
	sed -i 's/^critical_floor:.*/critical_floor: offer-break-glass\nbreak_glass: {purpose: BTG, offer_for: 1h, tell: privacy-officer}/' Q/notify.yaml
	{
		subscribed medic first-responder
		subscribed nurse care-team
		subscribed officer privacy-officer
	} >in
	sealed "$(record A)" 0 N:3:high V:5:critical >lines
	P=Q notify 0 --subscriptions in -v lines
	has err '2 read, 5 written, 0 refused, 1 data, 2 floor'
	jq -c 'select(.kind == "floor") | [.to.subscription, .break_glass]' out >seen
	same seen <<-'END'
		["medic",{"purpose":"BTG","for":"PT1H"}]
		["nurse",{"purpose":"BTG","for":"PT1H"}]
	END
	grep '"kind":"notice"' out | sed 's/"policy":"sha256:[0-9a-f]*"/"policy":"sha256:0"/' >notices
	same notices <<-END
		{"ehr":{"v":1,"stage":"intent","id":"$(jq -r 'select(.kind == "notice").ehr.id' out | sed -n 1p)","event":"$(sed -n 1p out | jq -r .ehr.event)","criticality":"critical","policy":"sha256:0"},"kind":"notice","why":"break-glass-offered","to":{"class":"privacy-officer"},"deadline":{"after":"PT0S","dispatch":"PT5S","expires":"PT4H"},"about":"$(jq -r 'select(.kind == "floor").ehr.id' out | sed -n 1p)","obligations":[]}
		{"ehr":{"v":1,"stage":"intent","id":"$(jq -r 'select(.kind == "notice").ehr.id' out | sed -n 2p)","event":"$(sed -n 1p out | jq -r .ehr.event)","criticality":"critical","policy":"sha256:0"},"kind":"notice","why":"break-glass-offered","to":{"class":"privacy-officer"},"deadline":{"after":"PT0S","dispatch":"PT5S","expires":"PT4H"},"about":"$(jq -r 'select(.kind == "floor").ehr.id' out | sed -n 2p)","obligations":[]}
	END
	[ "$(jq -r .ehr.id out | sort -u | wc -l)" -eq "$(wc -l <out)" ]
	# Without the class nobody is told of offers.
	sed -i 's/, tell: privacy-officer//' Q/notify.yaml
	P=Q notify 0 --subscriptions in lines
	lacks out notice
}

@test "obligations of a level go with the message: the statement of 42 CFR part 2" {
	cp -r "$P" Q
	echo 'obligations: {R: [part2-notice, no-redisclose], V: [part2-notice]}' >>Q/notify.yaml
	{
		subscribed nurse care-team
		subscribed doctor on-call-physician
	} >in
	sealed "$(record A)" 0 N:3:high V:5:high >lines
	P=Q notify 0 --subscriptions in lines
	jq -c '[.ehr.rl, .obligations]' out >seen
	same seen <<-'END'
		["N",[]]
		["V",["part2-notice"]]
	END
	while IFS='|' read -r text want; do
		sed -i '$d' Q/notify.yaml
		echo "obligations: $text" >>Q/notify.yaml
		P=Q notify 3 --subscriptions in lines
		has err ": $want"
	done <<-'END'
		[R]|expected a map
		{X: [part2-notice]}|unknown level 'X'
		{R: []}|expected words
		{R: ["a b"]}|expected words
	END
}

@test "versions of one record that name two subjects, or of which one is deleted, are refused: who is told goes by the first" {
	subscribed nurse care-team >subscriptions.ndjson
	sealed "$(record a)" 1 L:1:routine N:3:routine >one
	SUBJECT=s_BBBBBBBBBBBBBBBBBBBBBA sealed "$(record a)" 1 L:1:routine N:3:routine >two
	notify 0 --subscriptions subscriptions.ndjson one
	[ "$(jq -r '.to.subscription // empty' out)" = nurse ]
	jq -c 'del(.ehr.subject) | .ehr as $ehr | .protected |= (gsub("-"; "+") | gsub("_"; "/") | . + "==="[(length + 3) % 4:] | @base64d
		| fromjson | .ehr = $ehr | tojson | @base64 | gsub("\\+"; "-") | gsub("/"; "_") | gsub("="; ""))' one >none
	notify 0 --subscriptions subscriptions.ndjson none
	MORE=',"deleted":true' sealed "$(record a)" 1 L:1:routine N:3:routine >gone
	for other in two none gone; do
		{ head -n 1 one && tail -n 1 $other; } >mixed
		notify 5 --subscriptions subscriptions.ndjson mixed
		has err 'mixed:2: versions-order'
		empty out
		{ head -n 1 $other && tail -n 1 one; } >mixed
		notify 5 --subscriptions subscriptions.ndjson mixed
		has err 'mixed:2: versions-order'
		empty out
	done
}
