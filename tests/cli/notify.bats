bats_require_minimum_version 1.5.0
load ../lib/ehr

# A site with a nurse of ward 7 (AL 3) and a physician who treats w2 (AL 5), and three records about w2: one that is urgent
# for all to see, one of which the lower levels see nothing, one that is neither.
setup_file() {
	export LC_ALL=C TZ=UTC PATH="$EHR_BIN:$PATH" P="$EHR_ROOT/policies/hospital" F="$BATS_FILE_TMPDIR"
	export now=2026-11-01T19:30:00Z batch=b_AAAAAAAAAAAAAAAAAAAAAA
	cd "$F" || return 1
	ehr-keys make -P "$P" -S site >made
	printf 'ehr_authz: 1\nconsent: c-w2\npatient: w2\nstatus: active\ndate: 2026-10-30\nbase: permit\nrules: []\n' >site/consents/w2.yaml
	echo '{"fact":"f-1","relation":"treating","subject":"dr-lee","patient":"w2","from":"2026-10-30T08:00:00Z","until":"2026-11-30T08:00:00Z","by":"dr-lee","at":"2026-10-30T07:58:10Z"}' >site/facts.ndjson
	grant nurse-ito '"structural_role":"nurse","functional_role":["nurse"],"permissions":["PRD-006"],"ward":"7"' >nurse
	grant dr-lee '"structural_role":"physician"' >physician
	cat nurse physician >site/grants.jwts
	{
		subscription nurse-7 nurse-ito nurse care-team
		subscription on-call dr-lee physician on-call-physician
	} >site/subscriptions/ward.ndjson
	cat >records <<-'END'
		{"resourceType":"Observation","id":"o1","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"59408-5"}]},"subject":{"reference":"Patient/w2"},"effectiveDateTime":"2026-11-01T19:00:00Z","valueQuantity":{"value":84,"unit":"%","system":"http://unitsofmeasure.org","code":"%"}}
		{"resourceType":"Condition","id":"c1","code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"B20"}]},"subject":{"reference":"Patient/w2"}}
		{"resourceType":"Observation","id":"o2","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8302-2"}]},"subject":{"reference":"Patient/w2"},"valueQuantity":{"value":171,"unit":"cm"}}
	END
	ehr-classify -P "$P" records 2>/dev/null | ehr-redact -P "$P" -S site | ehr-seal -P "$P" -S site --batch $batch >sealed
}

# A signed grant to subscribe to w2, as the policy decides, bound to a device of the party's own.
grant() {
	local device jkt
	ehr-keys make --kind reader --keys "device.$1" --authority site/authority.jwks --now "$now" >enrol."$1" || return
	device=$(ehr-keys list --self --keys "device.$1" | jq -r .id)
	jkt=$(ehr-keys list --self --keys "device.$1" | jq -r .sig.jkt)
	ehr-keys enrol -S site --expect "$jkt" --al-cap 5 --now "$now" enrol."$1" >/dev/null || return
	printf '{"id":"%s","subject":{"type":"user","id":"%s","properties":{"domain":"hospital","device":"%s",%s}},"action":{"name":"subscribe"},"resource":{"type":"patient","id":"w2","properties":{"domain":"hospital","patient":"w2","ward":"7"}},"context":{"purpose":"TREAT","time":"%s","acr":"loa3","route":"on-site","supported_actions":["level","audit","expire"]}}\n' \
		"$1" "$1" "$device" "$2" "$now" | ehr-authz -P "$P" -S site >decision."$1" || return
	grep -q '"decision":true' decision."$1" || return
	ehr-keys grant -P "$P" -S site --decision decision."$1" --now "$now"
}

claim() {
	cut -d. -f2 "$1" | tr '_-' '/+' | jq -Rr '. + "==="[(length + 3) % 4:] | @base64d | fromjson | .'"$2"
}

# subscription ID PARTY GRANT CLASS [MORE]
subscription() {
	printf '{"id":"%s","party":"%s","grant":"%s","responder":"%s","select":{"subjects":["%s"]},"purpose":"TREAT"%s}\n' \
		"$1" "$2" "$(claim "$3" jti)" "$4" "$(claim "$3" 'subjects[0]')" "${5:-}"
}

notify() {
	local status=$1 time=(--now "$now")
	shift
	[[ " $* " != *' --now '* ]] || time=()
	ehr "$status" ehr-notify -P "$P" -S "$F/site" "${time[@]}" "$@"
}

@test "use case, notify: each is told of the highest version that she may read, in steps, with deadlines" {
	notify 0 "$F/sealed"
	empty err
	jq -r 'select(.ehr.criticality == "high") | [.to.subscription, .to.class, .to.step, .ehr.rl, .ehr.al, .deadline.after, .deadline.dispatch, .deadline.ack, .deadline.expires, .kind, .payload] | @tsv' out >seen
	same seen <<-'END'
		nurse-7	care-team	0	N	3	PT0S	PT30S	PT5M	PT12H	data	reference
		on-call	on-call-physician	1	V	5	PT5M	PT30S	PT5M	PT12H	data	reference
	END
	# The tier follows from the version's own tags: routine goes to the care team.
	jq -r 'select(.ehr.criticality == "routine") | [.to.subscription, .ehr.rl] | @tsv' out >seen
	same seen <<-'END'
		nurse-7	N
	END
}

@test "use case 1.0.8: no key is there, and the same input gives the same bytes" {
	cp -r "$F/site" site
	rm -r site/keys
	ehr 0 ehr-notify -P "$P" -S site --now "$now" "$F/sealed"
	cp out first
	head -c 100000 "$F/sealed" >/dev/null
	ehr 0 ehr-notify -P "$P" -S site --now "$now" <"$F/sealed"
	cmp first out
	# Tags and header alone are enough: an archive without ciphertext gives the same intents.
	jq -c '{ehr, protected}' "$F/sealed" >tags
	ehr 0 ehr-notify -P "$P" -S site --now "$now" tags
	cmp first out
}

@test "an intent names no address, no category, and nothing of a version above the one it names" {
	notify 0 "$F/sealed"
	grep nurse-7 out >told
	for word in '"rl":"R"' '"rl":"V"' HIV '"of"' Patient Condition B20 '"mark"'; do lacks told "$word"; done
}

@test "of lines of version 1 one flipped character in a tag, here or there or in both, is refused with its group" {
	# The form in which the tags stood in the header once more.
	jq -c '.ehr.v = 1 | .ehr as $ehr | .protected |= (gsub("-"; "+") | gsub("_"; "/") | . + "==="[(length + 3) % 4:] | @base64d
		| fromjson + {$ehr} | tojson | @base64 | gsub("\\+"; "-") | gsub("/"; "_") | gsub("="; ""))' "$F/sealed" >first
	notify 0 "$F/sealed"
	mv out told
	notify 0 first
	same out <told
	sed '1s/"criticality":"[a-z]*"/"criticality":"routine"/; 2s/"al":3/"al":2/' first >forged
	notify 6 forged
	[ "$(wc -l <err)" -eq 1 ]
	has err 'tag-mismatch: tags differ from those under protection'
	empty out
	notify 1 --on-error skip forged
	has err 'forged:2: tag-mismatch'
	jq -r '.ehr.criticality' out >seen
	same seen <<-'END'
		routine
	END
}

@test "a cut or mixed group is refused, the next one goes on" {
	sed 2d "$F/sealed" >gap
	notify 5 gap
	has err 'gap:2: versions-incomplete'
	notify 1 --on-error quarantine --quarantine aside gap
	[ "$(jq -r .ehr.reason aside | sort | uniq -c | tr -s ' \n' ' ')" = ' 3 versions-incomplete ' ]
	[ "$(wc -l <out)" -eq 1 ]
	head -n 2 "$F/sealed" >short
	notify 5 short
	has err 'short:1: versions-incomplete'
	{ sed -n 1p "$F/sealed" && sed -n 6p "$F/sealed"; } >mixed
	notify 5 mixed
	has err 'mixed:2: versions-order'
}

@test "a line of another domain, another level or another stage is refused" {
	cp -r "$P" other
	sed -i 's/^domain: .*/domain: elsewhere/' other/seal.yaml
	ehr 5 ehr-notify -P other -S "$F/site" --now "$now" "$F/sealed"
	has err ':1: other-domain'
	ehr-classify -P "$P" "$F/records" >labelled 2>/dev/null
	notify 5 labelled
	has err 'labelled:1: wrong-stage'
}

@test "use case 1.0.6: without grants nothing comes out, and each refusal has its reason" {
	: >none
	notify 1 --grants none "$F/sealed"
	empty out
	has err 'subscription nurse-7 refused: grant-missing'
	has err 'subscription on-call refused: grant-missing'
	sed -E 's/^(.*\.)([^.]*)$/\1\U\2/' "$F/site/grants.jwts" >flipped
	notify 1 --grants flipped "$F/sealed"
	empty out
	has err 'refused: grant-bad'
	mkdir more
	subscription nurse-8 nurse-ito "$F/nurse" care-team ',"claims":{"al":4}' >more/a.ndjson
	subscription nurse-9 nurse-ito "$F/nurse" family >>more/a.ndjson
	subscription lent dr-lee "$F/nurse" care-team >>more/a.ndjson
	notify 1 --subscriptions more "$F/sealed"
	has err 'more/a.ndjson:1: subscription nurse-8 refused: al'
	has err 'more/a.ndjson:2: subscription nurse-9 refused: grant-role'
	has err 'more/a.ndjson:3: subscription lent refused: grant-party'
	empty out
	notify 3 --strict --subscriptions more "$F/sealed"
	has err '3 subscriptions refused (--strict)'
}

@test "a lower claim takes effect" {
	subscription nurse-7 nurse-ito "$F/nurse" care-team ',"claims":{"al":1}' >low.ndjson
	notify 0 --subscriptions low.ndjson --suppressed held "$F/sealed"
	[ "$(jq -r .ehr.rl out | sort -u)" = L ]
}

@test "who is not told because a subscription is off, requested or ended is written, and its id is free for another" {
	subscription off nurse-ito "$F/nurse" care-team ',"status":"off"' >idle.ndjson
	subscription requested nurse-ito "$F/nurse" care-team ',"status":"requested"' >>idle.ndjson
	subscription ended nurse-ito "$F/nurse" care-team ',"until":"2026-11-01T19:30:00Z"' >>idle.ndjson
	subscription off-and-ended nurse-ito "$F/nurse" care-team ',"until":"2026-11-01T19:30:00Z","status":"off"' >>idle.ndjson
	tail -n 4 "$F/sealed" >calm
	notify 0 --subscriptions idle.ndjson --now 2026-11-01T19:31:00Z --suppressed held -v calm
	empty out
	jq -r '[.to.subscription, .reason] | @tsv' held | sort -u >held.all
	same held.all <<-'END'
		ended	ended
		off	off
		off-and-ended	off
		requested	requested
	END
	has err ', 0 data, 0 floor, 4 stopped by a gate'
	# Also where the AL would stop it, and for a floor notice.
	subscription off nurse-ito "$F/nurse" care-team ',"claims":{"al":0},"status":"off"' >low.ndjson
	notify 0 --subscriptions low.ndjson --now 2026-11-01T19:31:00Z --suppressed held "$F/sealed"
	[ "$(jq -r .reason held | sort -u)" = off ]
	# It takes the id from nobody that runs, wherever it stands, and is not counted as a mistake.
	subscription twice nurse-ito "$F/nurse" care-team ',"status":"off"' >twice.ndjson
	subscription twice nurse-ito "$F/nurse" care-team >>twice.ndjson
	subscription twice nurse-ito "$F/nurse" care-team ',"status":"off"' >>twice.ndjson
	notify 0 --subscriptions twice.ndjson --now 2026-11-01T19:31:00Z --suppressed held --strict "$F/sealed"
	empty err held
	[ "$(jq -r .to.subscription out | sort -u)" = twice ]
	# It covers nothing, and one that its grant does not carry is dropped.
	subscription none nurse-ito "$F/nurse" family ',"status":"off"' >none.ndjson
	notify 0 --subscriptions none.ndjson --now 2026-11-01T19:31:00Z --suppressed held --strict "$F/sealed"
	empty held
}

@test "dates count as of --now, and who was held back is written with the reason" {
	notify 0 --now 2026-11-01T19:31:00Z --suppressed held "$F/sealed"
	empty held
	[ "$(wc -l <out)" -eq 3 ]
	notify 0 --now 2027-11-01T19:31:00Z --suppressed held "$F/sealed"
	empty out
	[ "$(jq -r .reason held | sort -u)" = grant-expired ]
	grep -qxF "ehr-notify: grant-expired: $(wc -l <held) messages did not go out, as the grants of $(jq -r .to.subscription held | sort -u | wc -l) subscriptions have ended; ehr-keys subscribe again, or take the subscription away" err
	[ "$(jq -r .ehr.stage held | sort -u)" = suppressed ]
	notify 0 --now 2020-11-01T19:31:00Z --suppressed held "$F/sealed"
	[ "$(jq -r .reason held | sort -u)" = grant-early ]
	notify 2 --now yesterday "$F/sealed"
	same err <<<"ehr-notify: --now: not a time such as 2026-03-02T09:00:00Z: 'yesterday' (try ehr-notify --help)"
}

@test "a subscription without responder is told what is missing" {
	subscription x nurse-ito "$F/nurse" care-team | sed 's/"responder":"[^"]*",//' >x.ndjson
	notify 1 --subscriptions x.ndjson "$F/sealed"
	has err "ehr-notify: x.ndjson:1:1: subscription x refused: 'responder' is missing: a class of notify.yaml"
}

@test "an output does not take the place of a file that was read: policy, site, subscriptions" {
	local file
	cp -r "$F/site" site
	cp -r "$P" Q
	chmod 600 Q/notify.yaml site/subscriptions/*
	cp "$F/sealed" in
	for file in site/grants.jwts site/authority.jwks site/subscriptions/ward.ndjson Q/notify.yaml; do
		cp "$file" before
		ehr 2 ehr-notify -P Q -S site --now "$now" --suppressed "$file" in
		has err "input and output are the same file: '$file'"
		ehr 2 ehr-notify -P Q -S site --now "$now" --on-error quarantine --quarantine "$file" in
		has err "input and output are the same file: '$file'"
		cmp before "$file"
	done
}

@test "a reader of --suppressed who leaves is a failed write" {
	perl -e 'local $/; $_ = <>; print $_ x 2000' "$F/sealed" >much
	leaver fifo
	notify 4 --now 2027-11-01T19:31:00Z --suppressed fifo much
	has err 'ehr-notify: fifo: Broken pipe'
}

@test "without a time it does not start where something ends, because what has ended would count" {
	ehr 2 ehr-notify -P "$P" -S "$F/site" "$F/sealed"
	same err <<-END
		ehr-notify: needs --now TIME, because this ends some time: '$F/site/grants.jwts' (try ehr-notify --help)
	END
	empty out
	# A list of revocations ends, too.
	cp -r "$F/site" site
	ehr-keys revoke -S site --kid "$(printf %043d 0)" --now "$now" >list
	: >site/grants.jwts
	ehr 2 ehr-notify -P "$P" -S site "$F/sealed"
	same err <<-'END'
		ehr-notify: needs --now TIME, because this ends some time: 'site/revoked.jwt' (try ehr-notify --help)
	END
	# Nothing ends where nothing is granted.
	rm site/revoked.jwt site/grants.jwts
	: >none
	ehr 1 ehr-notify -P "$P" -S site --grants none "$F/sealed"
	has err 'grant-missing'
	empty out
}

@test "use case 1.0.9: a revoked device or person hears nothing more" {
	cp -r "$F/site" site
	ehr-keys revoke -S site --party nurse-ito --now "$now" >revoked
	ehr 1 ehr-notify -P "$P" -S site --now "$now" --revoked revoked "$F/sealed"
	has err 'subscription nurse-7 refused: revoked'
	[ "$(jq -r .to.party out | sort -u)" = dr-lee ]
}

# Each bad list with what is said of it, as FILE TAB TEXT; they stand in the folder lists.
bad_lists() {
	local other=$F/elsewhere
	mkdir lists lists/directory
	cp -r "$P" foreign && sed -i 's/^domain: .*/domain: elsewhere/' foreign/seal.yaml
	[ -d "$other" ] || ehr-keys make -P foreign -S "$other" >made
	ehr-keys revoke -S "$other" --party nurse-ito --now "$now" >lists/foreign
	ehr-keys revoke -S site --party nurse-ito --now "$now" >first
	: >lists/empty
	echo >lists/blank
	head -c 100 first >lists/half
	sed -E 's/.{9}$/AAAAAAAAA/' first >lists/signature
	head -n 1 site/grants.jwts >lists/grant
	{ cat first && head -c 50 first; } >lists/torn
	mkfifo lists/fifo
	ln -s ../first lists/link
	cat <<-'END'
		empty	revocation-invalid: the file has no list, expected the authority's newest list
		blank	revocation-invalid: the file has no list, expected the authority's newest list
		half	revocation-invalid: line 1: malformed, expected the authority's newest list
		signature	revocation-invalid: line 1: signature wrong, expected the authority's newest list
		foreign	revocation-invalid: line 1: signer unknown, expected the authority's newest list
		grant	revocation-invalid: line 1: another type, expected the authority's newest list
		torn	revocation-invalid: line 2: malformed, expected the authority's newest list
		directory	revocation-invalid: Is a directory, expected the authority's newest list
		fifo	revocation-invalid: not a regular file, expected the authority's newest list
		link	revocation-invalid: a symbolic link, not a file, expected the authority's newest list
	END
}

# refused PROGRAM FILE TEXT COMMAND...: it ends with 6, says the one line, and writes nothing.
stops() {
	local program=$1 file=$2 text=$3
	shift 3
	ehr 6 timeout 60 "$@"
	echo "$program: $file: $text" >expected
	same err <expected
	empty out
}

@test "a directive is withdrawn: the grants that rest on it end, by the lines of the manual page" {
	awk '/^jq -cRf share.jq.grants.jq site.grants.jwts \|$/, /^\.Ed/' "$EHR_ROOT/share/man/man1/ehr-notify.1" | grep -v '^\.Ed' >lines
	[ "$(wc -l <lines)" -eq 5 ]
	cp -r "$F/site" .
	ln -s "$EHR_ROOT/share" .
	sed 's/"c-w2"/"c-other"/' lines >other
	bash -euo pipefail other
	[ ! -s site/revoked.jwt ]
	bash -euo pipefail lines
	ehr 1 ehr-notify -P "$P" -S site --now "$now" "$F/sealed"
	lacks out '"kind":"data"'
	[ "$(grep -c ' refused: revoked$' err)" -eq 2 ]
}

@test "a revocation list that does not verify stops every program that reads one" {
	local name text
	cp -r "$F/site" site
	bad_lists >all
	rm site/revoked.jwt site/keys/revoked.jwt
	head -n 1 site/grants.jwts >grant
	echo '{"decision":true,"context":{"about":{"subject":"nina","action":"read","patient":"x"},"al":3,"obligations":[]}}' >decision
	while IFS=$'\t' read -r name text; do
		stops ehr-notify "lists/$name" "$text" ehr-notify -P "$P" -S site --now "$now" --revoked "lists/$name" "$F/sealed"
		stops ehr-select "lists/$name" "$text" ehr-select -P "$P" -S site --grant grant --now "$now" --revoked "lists/$name" "$F/sealed"
		stops ehr-select "lists/$name" "$text" ehr-select -P "$P" -S site --decision decision --revoked "lists/$name" "$F/sealed"
		# The site's own list, under its name.
		mv "lists/$name" site/revoked.jwt
		stops ehr-notify site/revoked.jwt "$text" ehr-notify -P "$P" -S site --now "$now" "$F/sealed"
		stops ehr-select site/revoked.jwt "$text" ehr-select -P "$P" -S site --grant grant --now "$now" "$F/sealed"
		stops ehr-select site/revoked.jwt "$text" ehr-select -P "$P" -S site --decision decision "$F/sealed"
		mv site/revoked.jwt site/keys/revoked.jwt
		stops ehr-keys site/keys "revoked.jwt: $text" ehr-keys revoke -S site --party x --now "$now"
		stops ehr-keys site/keys "revoked.jwt: $text" ehr-keys list --devices -S site
		mv site/keys/revoked.jwt "lists/$name"
	done <all
	ehr 4 ehr-notify -P "$P" -S site --now "$now" --revoked nowhere "$F/sealed"
	has err 'ehr-notify: nowhere: No such file or directory'
}

@test "a revocation list of another domain, or older than one that is known, stops the run" {
	cp -r "$F/site" site
	bad_lists >all
	jq -sc '{keys: [.[].keys[]]}' site/authority.jwks "$F/elsewhere/authority.jwks" >both
	stops ehr-notify lists/foreign "revocation-invalid: line 1: of another domain, expected the authority's newest list" \
		ehr-notify -P "$P" -S site --now "$now" --authority both --revoked lists/foreign "$F/sealed"
	ehr-keys revoke -S site --party dr-lee --now "$now" >second
	stops ehr-notify first "revocation-invalid: older than another list that is known here, expected the authority's newest list" \
		ehr-notify -P "$P" -S site --now "$now" --revoked first "$F/sealed"
	# Of several lists the newest counts, wherever it stands.
	cat second first >lists/both
	ehr 1 ehr-notify -P "$P" -S site --now "$now" --revoked lists/both "$F/sealed"
	has err 'subscription on-call refused: revoked'
	# A list among the grants is held to the same.
	cat lists/signature >>site/grants.jwts
	stops ehr-notify site/grants.jwts "revocation-invalid: signature wrong, expected the authority's newest list" \
		ehr-notify -P "$P" -S site --now "$now" "$F/sealed"
}

@test "a device's list that is older than one it accepted stops it" {
	cp -r "$F/site" site
	cp -r "$F/device.nurse-ito" device
	ehr-keys revoke -S site --kid "$(printf %043d 1)" --now "$now" >first
	ehr-keys revoke -S site --kid "$(printf %043d 2)" --now "$now" >second
	ehr 0 ehr-keys accept --keys device --now "$now" second
	cp first device/revoked.jwt
	stops ehr-keys device "revoked.jwt: revocation-invalid: older than one that was accepted, expected the authority's newest list" \
		ehr-keys list --devices --keys device
	rm device/revoked.jwt
	stops ehr-keys device "revoked.jwt: revocation-invalid: one was accepted, and it is gone, expected the authority's newest list" \
		ehr-keys list --devices --keys device
}

@test "a grant of another authority is none" {
	ehr-keys make -P "$P" -S foreign >/dev/null
	notify 1 --authority foreign/authority.jwks "$F/sealed"
	empty out
	has err '2 lines that do not verify give nothing'
	: >empty
	notify 6 --authority empty "$F/sealed"
	has err 'no keys of an authority'
}

@test "changing one vital sign changes who is told" {
	sed 's/"value":84/"value":97/' "$F/records" >calm
	ehr-classify -P "$P" calm 2>/dev/null | ehr-redact -P "$P" -S "$F/site" | ehr-seal -P "$P" -S "$F/site" --batch $batch >sealed
	notify 0 sealed
	[ "$(jq -r .ehr.criticality out | sort -u)" = routine ]
	lacks out on-call
}

@test "an unknown word in notify.yaml refuses to start, with its place" {
	cp -r "$P" odd
	sed -i 's/^  high:/  hihg:/' odd/notify.yaml
	ehr 3 ehr-notify -P odd -S "$F/site" "$F/sealed"
	has err "odd/notify.yaml:"
	has err "unknown criticality 'hihg'"
}

# alarms: the alarm lines of out, as FILE LINE SUBSCRIPTION REASON
alarms() {
	jq -r 'select(.kind == "alarm") | [.file, .line // "-", .subscription // "-", .reason] | @tsv' out
}

@test "a malformed subscription is refused alone, and an alarm calls somebody" {
	notify 0 "$F/sealed"
	cp out good
	digest=$(head -n 1 "$F/sealed" | jq -r .ehr.policy)
	mkdir subs
	cp "$F/site/subscriptions/ward.ndjson" subs/
	echo '{"id":"a","party":"p","grant":"g","responder":"care-team","select":{"subjects":["s"]},"purpose":"TREAT","colour":1}' >subs/odd.ndjson
	notify 1 --subscriptions subs "$F/sealed"
	same err <<-'END'
		ehr-notify: subs/odd.ndjson:1:105: subscription a refused: unknown key 'colour', expected one of id party grant responder claims purpose fhir select payload route delivery status until
	END
	tail -n +2 out | cmp - good
	id=$(head -n 1 out | jq -r .ehr.id)
	[[ $id == n_??????????????????????????  ]]
	head -n 1 out >alarm
	same alarm <<-END
		{"ehr":{"v":1,"stage":"intent","id":"$id","criticality":"critical","policy":"$digest"},"kind":"alarm","why":"subscription-refused","to":{"last_resort":true},"deadline":{"after":"PT0S","dispatch":"PT5S","ack":"PT1M","expires":"PT4H"},"file":"subs/odd.ndjson","line":1,"subscription":"a","reason":"malformed","obligations":[]}
	END
	# The same mistake has the same id; another one has another, and needs no record to be told.
	notify 1 --subscriptions subs </dev/null
	cmp alarm out
	sed -i 's/colour/color/' subs/odd.ndjson
	notify 1 --subscriptions subs </dev/null
	[ "$(jq -r .ehr.id out)" != "$id" ]
	notify 3 --strict --subscriptions subs "$F/sealed"
	has err 'ehr-notify: 1 subscriptions refused (--strict)'
	empty out
}

@test "every kind of mistake is refused alone, with its file and line" {
	local s
	s=$(head -n 1 "$F/site/subscriptions/ward.ndjson")
	mkdir subs subs/folder.yaml
	cp "$F/site/subscriptions/ward.ndjson" subs/ward.ndjson
	{
		echo "${s/nurse-7/x-1}" | sed 's/care-team/nobody/'
		echo "${s/nurse-7/x-2}" | sed 's/"purpose"/"purpos"/'
		echo '{"id":"x-3"'
		echo "${s/nurse-7/X 4}"
		echo "${s/nurse-7/x-5}" | sed 's/"purpose":"TREAT"/"purpose":["TREAT"]/'
		echo "${s/nurse-7/x-6}" | sed 's/"select":{/"select":{"min_criticality":"loud",/'
		echo "${s/nurse-7/x-7}" | sed 's/"select":{/"select":{"when":"foo(",/'
		echo "$s"
		printf '{"id":"x\0"}\n'
		echo '[1]'
		echo '"text"'
		echo "${s/nurse-7/x-8}" | sed 's/"id"/"id":"y","id"/'
		echo
		echo "${s/nurse-7/last-7}"
	} >subs/x.ndjson
	printf 'id: [\n' >subs/broken.yaml
	printf -- '- {id: y-1, party: p, grant: g, responder: nobody, select: {subjects: [s]}, purpose: TREAT}\n- %s\n- 7\n' "${s/nurse-7/yaml-7}" >subs/list.yaml
	printf 'a: &x 1\n' >subs/anchor.yml
	mkfifo subs/pipe.ndjson
	ln -s nowhere subs/link.yaml
	: >subs/empty.yaml
	: >subs/empty.ndjson
	touch subs/.yaml subs/note.txt subs/ward.ndjson~
	notify 1 --subscriptions subs "$F/sealed"
	alarms >seen
	same seen <<-'END'
		subs/anchor.yml	1	-	malformed
		subs/broken.yaml	2	-	malformed
		subs/folder.yaml	-	-	unreadable
		subs/link.yaml	-	-	unreadable
		subs/list.yaml	1	y-1	malformed
		subs/list.yaml	3	-	malformed
		subs/pipe.ndjson	-	-	unreadable
		subs/x.ndjson	1	x-1	malformed
		subs/x.ndjson	2	x-2	malformed
		subs/x.ndjson	3	-	malformed
		subs/x.ndjson	4	-	malformed
		subs/x.ndjson	5	x-5	malformed
		subs/x.ndjson	6	x-6	malformed
		subs/x.ndjson	7	x-7	malformed
		subs/x.ndjson	9	-	malformed
		subs/x.ndjson	10	-	malformed
		subs/x.ndjson	11	-	malformed
		subs/x.ndjson	12	-	malformed
		subs/x.ndjson	8	nurse-7	duplicate-id
	END
	[ "$(wc -l <err)" -eq 19 ]
	has err 'ehr-notify: subs/x.ndjson:8: subscription nurse-7 refused: duplicate-id: a subscription of this id stands elsewhere too'
	has err 'ehr-notify: subs/x.ndjson:3:'
	has err 'ehr-notify: subs/folder.yaml: subscription refused: Is a directory'
	has err 'ehr-notify: subs/pipe.ndjson: subscription refused: not a regular file'
	has err 'ehr-notify: subs/list.yaml:1:44: subscription y-1 refused: unknown class of responders: notify.yaml of the policy names them'
	# All the others are told.
	[ "$(jq -r 'select(.kind == "data") | .to.subscription' out | sort -u | tr '\n' ' ')" = 'last-7 nurse-7 on-call yaml-7 ' ]
}

@test "a tag or a word that seal.yaml does not list would never meet a line: it is refused, and an alarm calls somebody" {
	local s tags
	s=$(head -n 1 "$F/site/subscriptions/ward.ndjson")
	cp -r "$P" Q
	echo 'tags: {topic: [vitals, labs], ward: ["7"]}' >>Q/seal.yaml
	for tags in '{"topics":["vitals"]}' '{"topic":["vital"]}' '{"topic":["vitals","x"]}' '{"topic":[]}' '{"topic":null}' '{"ward":7}' '[]'; do
		echo "${s/nurse-7/x}" | jq -c ".select.tags = $tags"
	done >in.ndjson
	for tags in '{"topic":["vitals"]}' '{"topic":"labs","ward":"7"}' '{}'; do
		echo "${s/nurse-7/y}" | jq -c ".select.tags = $tags"
	done >>in.ndjson
	P=Q
	notify 1 --subscriptions in.ndjson /dev/null
	sed -nE 's/^ehr-notify: (in.ndjson:[0-9]+)(:[0-9]+)?: /\1: /p' err >seen
	same seen <<-'END'
		in.ndjson:1: subscription x refused: no line has this tag with such a word: `tags` of seal.yaml does not list it
		in.ndjson:2: subscription x refused: no line has this tag with such a word: `tags` of seal.yaml does not list it
		in.ndjson:3: subscription x refused: no line has this tag with such a word: `tags` of seal.yaml does not list it
		in.ndjson:4: subscription x refused: expected a list of words
		in.ndjson:5: subscription x refused: expected a list of words
		in.ndjson:6: subscription x refused: a number, expected a string (in quotes)
		in.ndjson:7: subscription x refused: expected a map from tag to words
		in.ndjson:9: subscription y refused: duplicate-id: a subscription of this id stands elsewhere too
		in.ndjson:10: subscription y refused: duplicate-id: a subscription of this id stands elsewhere too
	END
	[ "$(grep -c '"kind":"alarm"' out)" -eq 9 ]
}

@test "a refusal by grant or policy is no mistake, and calls nobody" {
	subscription nurse-8 nurse-ito "$F/nurse" care-team ',"claims":{"al":4}' >s.ndjson
	cat "$F/site/subscriptions/ward.ndjson" >>s.ndjson
	notify 1 --subscriptions s.ndjson "$F/sealed"
	same err <<-'END'
		ehr-notify: s.ndjson:1: subscription nurse-8 refused: al
	END
	alarms >seen
	empty seen
	[ "$(wc -l <out)" -eq 3 ]
}

@test "after 20 mistakes no more alarms are written" {
	for i in {1..30}; do echo "{\"id\":\"x-$i\"}"; done >many.ndjson
	cat "$F/site/subscriptions/ward.ndjson" >>many.ndjson
	notify 1 --subscriptions many.ndjson "$F/sealed"
	[ "$(alarms | wc -l)" -eq 20 ]
	has err 'ehr-notify: 30 mistakes in subscriptions; alarms are written for the first 20'
	[ "$(grep -c refused err)" -eq 30 ]
	[ "$(grep -c '"kind":"data"' out)" -eq 3 ]
}

@test "misuse names what is missing" {
	cp -r "$F/site" forgetful
	rm -f forgetful/policy
	ehr 2 ehr-notify -S forgetful "$F/sealed"
	has err '--policy DIR'
	ehr 2 ehr-notify -P "$P" "$F/sealed"
	has err '--site DIR'
	notify 4 --subscriptions nowhere "$F/sealed"
	has err 'nowhere: No such file or directory'
}

@test "after 20 records that nobody hears of the rest are counted" {
	of=$(head -n 1 "$F/sealed" | jq .ehr.of)
	for _ in {1..25}; do head -n "$of" "$F/sealed"; done >many
	: >nobody.ndjson
	ehr-notify -P "$P" -S "$F/site" --now "$now" --subscriptions nobody.ndjson many >out 2>err || [ $? -eq 1 ]
	[ "$(grep -c '^ehr-notify: many:[0-9]*: uncovered: ' err)" -eq 20 ]
	[ "$(wc -l <err)" -eq 21 ]
	has err 'ehr-notify: ... and 5 more: uncovered: nobody could be told'
}

@test "a subscription whose when has no end is stopped alone, once" {
	cp -r "$F/site" site
	{
		sed -n 1p "$F/site/subscriptions/ward.ndjson" | jq -c '.select.when = "[range(1e12)] | length > 1"'
		sed -n 2p "$F/site/subscriptions/ward.ndjson"
	} >site/subscriptions/ward.ndjson
	cp -r "$P" p
	echo 'condition_seconds: 1' >>p/policy.yaml
	cat "$F/sealed" "$F/sealed" >twice
	ehr 1 ehr-notify -P p -S site --now "$now" twice
	same err <<-'END'
		ehr-notify: site/subscriptions/ward.ndjson:1: subscription nurse-7 refused: condition-timeout: `when` took too much time or memory
	END
	ehr-notify -P "$P" -S "$F/site" --now "$now" twice | jq -c 'select(.to.subscription == "on-call") | .ref' >want
	[ -s want ]
	jq -c 'select(.kind == "data") | .ref' out | cmp - want
	[ "$(jq -c 'select(.kind == "alarm")' out | wc -l)" -eq 1 ]
	jq -r 'select(.kind == "data") | .to.subscription' out | sort -u >seen
	same seen <<<on-call
}

# versions N CRITICALITY...: a sealed group about w2 whose first N versions are empty; each has its criticality.
group() {
	local empty=$1 n=0 rl al word
	shift
	for word; do
		n=$((n + 1))
		case $n in 1) rl=L al=1 ;; 2) rl=N al=3 ;; 3) rl=R al=4 ;; 4) rl=V al=5 ;; esac
		printf '{"ehr":{"v":1,"stage":"version","id":"Observation/x","subject":"Patient/w2","rl":"%s","al":%s,"n":%s,"of":%s,"criticality":"%s","policy":"%s"%s},"record":{}}\n' \
			$rl $al $n $# "$word" "$digest" "$([ $n -gt "$empty" ] || echo ',"empty":true')"
	done
}

@test "a version that shows nothing is no data: the nurse is told of none, but of critical events by a floor notice" {
	digest=$(ehr-policy check -P "$P" 2>/dev/null | cut -d' ' -f1)
	# The Condition of which N shows nothing.
	sed -n '5,8p' "$F/sealed" >hiv
	[ "$(jq -c '[.ehr.rl, .ehr.empty]' hiv | tr -d '\n')" = '["L",true]["N",true]["R",null]["V",null]' ]
	notify 0 --suppressed held hiv
	empty out held
	# Empty all the way up to what the nurse reads.
	group 2 low low low low >versions
	ehr-seal -P "$P" -S "$F/site" --batch $batch versions >sealed
	notify 0 sealed
	empty out
	# Critical above, of which nothing is seen below: no data, the floor notice.
	for words in 'routine routine critical critical' 'critical critical critical critical'; do
		group 2 $words >versions
		ehr-seal -P "$P" -S "$F/site" --batch $batch versions >sealed
		notify 0 sealed
		jq -r 'select(.to.subscription == "nurse-7") | [.kind, .ehr.rl, .ref, .ehr.criticality] | @json' out >seen
		same seen <<<'["floor",null,null,"critical"]'
		[ "$(jq -r 'select(.to.subscription == "on-call") | .kind' out)" = data ]
	done
	# Data again where something is seen.
	group 1 low low low low >versions
	ehr-seal -P "$P" -S "$F/site" --batch $batch versions >sealed
	notify 0 sealed
	[ "$(jq -r '[.kind, .to.subscription, .ehr.rl] | join(" ")' out)" = 'data nurse-7 N' ]
}

@test "empty_tag: false leaves the tag out, and the version is notified like any other" {
	cp -r "$P" quiet
	sed -i 's/^rekey_lines/empty_tag: false\n&/' quiet/seal.yaml
	digest=$(ehr-policy check -P quiet 2>/dev/null | cut -d' ' -f1)
	group 2 low low low low >versions
	ehr-seal -P quiet -S "$F/site" --batch $batch versions >sealed
	lacks sealed empty
	[ "$(jq -r .ciphertext sealed | awk '{ print length }' | sort -u | wc -l)" -eq 1 ]
	ehr 0 ehr-notify -P quiet -S "$F/site" --now "$now" sealed
	[ "$(jq -r '[.kind, .to.subscription, .ehr.rl] | join(" ")' out)" = 'data nurse-7 N' ]
	sed -i 's/^empty_tag: .*/empty_tag: maybe/' quiet/seal.yaml
	ehr 3 ehr-seal -P quiet -S "$F/site" versions
	has err 'quiet/seal.yaml:'
}
