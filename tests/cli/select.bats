bats_require_minimum_version 1.5.0
load ../lib/ehr

cases=$BATS_TEST_DIRNAME/../../testdata/authz
P=$BATS_FILE_TMPDIR/P

setup_file() {
	mkdir -p "$BATS_FILE_TMPDIR/P"
	cp "$BATS_TEST_DIRNAME/../../testdata/authz/policy.yaml" "$BATS_FILE_TMPDIR/P/"
}

base64url() {
	base64 -w 0 | tr '+/' '-_' | tr -d =
}

# sealed RECORD SUBJECT RL AL N OF BATCH [MORE-TAGS]: a sealed line as far as anyone without a key can tell.
sealed() {
	local tags about='' more=${8-}
	[ "$2" = - ] || about=",\"subject\":\"s_$2\""
	tags="{\"v\":1,\"stage\":\"sealed\",\"id\":\"r_$1\"$about,\"rl\":\"$3\",\"al\":$4,\"n\":$5,\"of\":$6,\"criticality\":\"low\",\"domain\":\"hospital\",\"epoch\":37,\"batch\":\"b_$7\",\"seq\":1,\"policy\":\"sha256:$(printf '%064d' 0)\"$more}"
	printf '{"ehr":%s,"protected":"%s","encrypted_key":"%s","iv":"%s","ciphertext":"%s","tag":"%s"}\n' "$tags" \
		"$(printf '{"alg":"A256KW","enc":"A256GCM","typ":"ehr-sealed","cty":"json","kid":"hospital/%s/37/abcdefgh","ehr":%s}' "$3" "$tags" | base64url)" \
		"$(printf '%040d' 0 | base64url)" "$(printf '%012d' 0 | base64url)" "$(printf '{}' | base64url)" "$(printf '%016d' 0 | base64url)"
}

one=AAAAAAAAAAAAAAAAAAAAAA
two=BBBBBBBBBBBBBBBBBBBBBA

# versions RECORD SUBJECT BATCH: levels L N R V, all four.
versions() {
	sealed "$1" "$2" L 1 1 4 "$3"
	sealed "$1" "$2" N 3 2 4 "$3"
	sealed "$1" "$2" R 4 3 4 "$3"
	sealed "$1" "$2" V 5 4 4 "$3"
}

x=xxxxxxxxxxxxxxxxxxxxxA
y=yyyyyyyyyyyyyyyyyyyyyA
ann=annannannannannannannA
tom=tomtomtomtomtomtomtomA

# decision AL [OBLIGATIONS [MORE]]
decision() {
	printf '{"decision":true,"context":{"request":"sha256:0","about":{"subject":"dr-lee","action":"read","resource":{"type":"patient","id":"ann"},"patient":"ann","pseudonym":"s_%s"},"al":%s,"rl":"N","obligations":[%s]%s}}\n' \
		"$ann" "$1" "${2-}" "${3-}" >decision
}

# What came out: record, level, batch.
given() {
	jq -r '.ehr | [.id[2:3], .rl, .batch[2:3]] | join(" ")' out
}

@test "of each record of the subject the highest version that the decision's AL reaches, unchanged" {
	{ versions $x $ann $one && versions $y $ann $one; } >in
	for al in 0: 1:L 2:L 3:N 4:R 5:V; do
		decision "${al%%:*}"
		ehr 0 ehr-select -P "$P" --decision decision in
		if [ -n "${al#*:}" ]; then
			printf 'x %s A\ny %s A\n' "${al#*:}" "${al#*:}" | same <(given)
			grep -F "\"rl\":\"${al#*:}\"" in | cmp - out
		else
			empty out
		fi
	done
}

@test "lines of others are dropped and counted; a missing record and a refused one look alike" {
	{ versions $x $tom $one && versions $y - $one && versions $x $tom $two; } >in
	decision 5
	ehr 1 ehr-select -P "$P" --decision decision -v in
	empty out
	has err 'ehr-select: decision: no line is about the subject of this decision'
	has err '12 read, 0 written, 0 refused, 12 about others'
	# One line of the subject, and nothing is said, whether it is given or not.
	sealed $y $ann V 5 1 1 $one >>in
	decision 3
	ehr 0 ehr-select -P "$P" --decision decision in
	empty out
	empty err
	# An empty store has none, either.
	ehr 1 ehr-select -P "$P" --decision decision /dev/null
	empty out
	same err <<<'ehr-select: decision: there was no line, so none is about its subject'
}

@test "later lines win: of the newest group only, so that a raised record leaves nothing" {
	{
		versions $x $ann $one
		versions $y $ann $one
		sealed $x $ann R 4 1 2 $two
		sealed $x $ann V 5 2 2 $two
	} >in
	decision 3
	ehr 0 ehr-select -P "$P" --decision decision in
	given >got
	same got <<-'END'
		y N A
	END
	decision 4
	ehr 0 ehr-select -P "$P" --decision decision in
	given >got
	same got <<-'END'
		y R A
		x R B
	END
}

@test "a tombstone, which may lack the subject, leaves nothing of its record; a later group counts again" {
	{ versions $x $ann $one && versions $y $ann $one && sealed $x - L 1 1 1 $two ',"deleted":true'; } >in
	decision 5
	ehr 0 ehr-select -P "$P" --decision decision in
	given >got
	same got <<-'END'
		y V A
	END
	versions $x $ann $two >>in
	ehr 0 ehr-select -P "$P" --decision decision in
	given >got
	same got <<-'END'
		y V A
		x V B
	END
}

@test "a record that went over to somebody else leaves nothing" {
	{ versions $x $ann $one && versions $x $tom $two; } >in
	decision 5
	ehr 0 ehr-select -P "$P" --decision decision in
	empty out
}

@test "the higher of the tag's AL and the policy's counts" {
	sealed $x $ann R 1 1 1 $one >in
	decision 3
	ehr 0 ehr-select -P "$P" --decision decision in
	empty out
	sealed $x $ann L 5 1 1 $one >in
	ehr 0 ehr-select -P "$P" --decision decision in
	empty out
}

@test "--level and --al may only lower, --pick all gives every version that is allowed" {
	versions $x $ann $one >in
	decision 4
	ehr 0 ehr-select -P "$P" --decision decision --level N in
	[ "$(given)" = 'x N A' ]
	ehr 0 ehr-select -P "$P" --decision decision --al 2 in
	[ "$(given)" = 'x L A' ]
	ehr 0 ehr-select -P "$P" --decision decision --pick all in
	head -n 3 in | cmp - out
	ehr 0 ehr-select -P "$P" --decision decision --pick highest in
	[ "$(given)" = 'x R A' ]
	for more in '--level V' '--al 5'; do
		# shellcheck disable=SC2086
		ehr 7 ehr-select -P "$P" --decision decision $more in
		empty out
		same err <<-'END'
			ehr-select: decision: denied: it allows no more than AL 4
		END
	done
	ehr 2 ehr-select -P "$P" --decision decision --level X in
	ehr 2 ehr-select -P "$P" --decision decision --al high in
	ehr 2 ehr-select -P "$P" --decision decision --al 3 --level N in
	ehr 2 ehr-select -P "$P" --decision decision --pick some in
}

@test "a decision that is not true, or not about reading, gives nothing and ends with 7" {
	versions $x $ann $one >in
	denied() {
		ehr 7 ehr-select -P "$P" --decision decision in
		empty out
		same err <<-END
			ehr-select: decision: denied: $1
		END
	}
	decision 5
	sed -i 's/"decision":true/"decision":false/' decision
	denied 'the decision is not true'
	decision 5
	sed -i 's/"decision":true/"decision":"true"/' decision
	denied 'the decision is not true'
	decision 5
	sed -i 's/"action":"read"/"action":"create"/' decision
	denied 'the decision is about an action that shows no record'
	decision 5
	sed -i 's/,"patient":"ann","pseudonym":"[^"]*"//' decision
	denied 'the decision is about no patient'
	decision 5
	sed -i 's/"al":5,//' decision
	denied 'the decision names no authorization level'
	decision 5
	cat decision decision >twice
	mv twice decision
	denied 'it is not one decision; give one alone'
	echo '{"evaluations":[]}' >decision
	denied 'it is no decision: put the request through ehr-authz'
	echo nonsense >decision
	denied 'it is not one decision'
}

@test "what it cannot carry out it does not pass over: redact, keep-only, notify and words of a site" {
	versions $x $ann $one >in
	for properties in '"action":"redact","label":["SUD"]' '"action":"keep-only","any_of":[]' '"action":"watermark"' '"x":1'; do
		decision 5 "{\"id\":\"ob-1\",\"type\":\"custom\",\"properties\":{\"vendor\":\"ehr\",$properties}}"
		ehr 7 ehr-select -P "$P" --decision decision in
		empty out
		has err 'the decision has an obligation that ehr-select cannot carry out'
		case $properties in
		'"action"'*) has err "cannot carry out: $(cut -d'"' -f4 <<<"$properties")" ;;
		esac
	done
	for other in '"type":"notification","properties":{"vendor":"ehr","action":"expire","at":"2027-01-01T00:00:00Z"}' \
		'"type":"custom","properties":{"vendor":"acme","action":"audit"}' '"type":"custom","properties":{"action":"audit"}' \
		'"type":"custom","properties":{"vendor":"ehr","action":"bad\nword"}' '"type":"custom"'; do
		decision 5 "{\"id\":\"ob-1\",$other}"
		ehr 7 ehr-select -P "$P" --decision decision --deliver d in
		empty out
		[ "$(wc -l <err)" -eq 1 ]
		[ ! -e d ]
	done
	decision 5 '{"id":"ob-1","type":"notification","properties":{"vendor":"ehr","action":"notify"}}'
	ehr 7 ehr-select -P "$P" --decision decision in
	decision 3 '{"id":"ob-1","type":"custom","properties":{"vendor":"ehr","action":"level","rl":"N","al":3}},{"id":"ob-2","type":"custom","properties":{"vendor":"ehr","action":"audit","level":"high"}}'
	ehr 0 ehr-select -P "$P" --decision decision in
	[ "$(given)" = 'x N A' ]
	sed -i 's/,"obligations":\[.*\]//' decision
	ehr 7 ehr-select -P "$P" --decision decision in
	has err 'the decision has no list of obligations'
}

@test "a decision that ends needs --now, and gives nothing from its end on" {
	versions $x $ann $one >in
	dated() {
		ehr 2 ehr-select -P "$P" --decision decision in
		empty out
		has err 'needs --now TIME'
		ehr 0 ehr-select -P "$P" --decision decision --now 2026-03-05T17:59:59Z in
		[ "$(given)" = 'x V A' ]
		ehr 7 ehr-select -P "$P" --decision decision --now 2026-03-05T18:00:00Z in
		empty out
		has err 'the decision has ended'
	}
	decision 5 '' ',"valid_until":"2026-03-05T18:00:00Z","time":"2026-03-05T17:50:00Z"'
	dated
	decision 5 '{"id":"ob-1","type":"custom","properties":{"vendor":"ehr","action":"expire","after":"4h","at":"2026-03-05T18:00:00Z"}}'
	dated
	decision 5 '{"id":"ob-1","type":"custom","properties":{"vendor":"ehr","action":"expire","after":"4h"}}'
	ehr 7 ehr-select -P "$P" --decision decision --now 2026-03-05T17:59:59Z in
	has err 'the decision does not say when it ends'
	ehr 2 ehr-select -P "$P" --decision decision --now soon in
}

@test "a decision grows old as the policy says, whatever it says of its end; one that expires counts so long" {
	versions $x $ann $one >in
	cp -r "$P" P
	mkdir P/authz
	aged() {
		ehr "$1" ehr-select -P P --decision decision --now "$2" in
		[ "$1" -eq 0 ] || has err "$3"
		[ "$1" -eq 0 ] || empty out
	}
	for until in '' ',"valid_until":"2026-06-01T00:00:00Z"'; do
		decision 5 '' ',"time":"2026-03-05T12:00:00Z"'"$until"
		aged 0 2026-03-05T11:59:00Z
		aged 0 2026-03-05T12:15:00Z
		aged 7 2026-03-05T11:58:59Z 'decision-stale: it is of a time to come'
		aged 7 2026-03-05T12:15:01Z 'decision-stale: it is older than the policy allows'
		printf 'ehr_authz: 1\nclearances: [{who: {type: user}, al: 5}]\ndecision_max_age: 2h\n' >P/authz/clearances.yaml
		aged 0 2026-03-05T14:00:00Z
		aged 7 2026-03-05T14:00:01Z 'decision-stale: it is older than the policy allows'
		rm P/authz/clearances.yaml
	done
	for time in ',"time":"2026-03-05T12:00:00Z"' ',"time":7'; do
		decision 5 '' "$time"
		ehr 2 ehr-select -P P --decision decision in
		same err <<<"ehr-select: --decision: needs --now TIME, for it holds for some time only: 'decision' (try ehr-select --help)"
		empty out
	done
	for time in '' ',"time":7' ',"time":"today"'; do
		decision 5 '' "$time"
		aged 7 2026-03-05T12:00:00Z 'decision-stale: it does not say of when it is'
	done
	decision 5 '{"id":"ob-1","type":"custom","properties":{"vendor":"ehr","action":"expire","after":"4h","at":"2026-03-05T16:00:00Z"}}' ',"time":"2026-03-05T12:00:00Z"'
	aged 0 2026-03-05T15:59:59Z
	aged 7 2026-03-05T16:00:00Z 'the decision has ended'
	printf 'ehr_authz: 1\nclearances: [{who: {type: user}, al: 5}]\ndecision_max_age: soon\n' >P/authz/clearances.yaml
	aged 3 2026-03-05T12:00:00Z 'not a length of time'
}

@test "without a pseudonym the patient is the subject of the lines" {
	versions $x $ann $one >in
	decision 5
	sed -i "s/,\"pseudonym\":\"[^\"]*\"//; s/\"patient\":\"ann\"/\"patient\":\"s_$ann\"/" decision
	ehr 0 ehr-select -P "$P" --decision decision in
	[ "$(given)" = 'x V A' ]
	sed -i "s/\"patient\":\"s_$ann\"/\"patient\":\"ann\"/" decision
	ehr 1 ehr-select -P "$P" --decision decision in
	empty out
	same err <<-'END'
		ehr-select: decision: the decision names no pseudonym, and no line is about its patient: the lines have pseudonyms (see ehr-keys pseudonym --entities)
	END
}

@test "of the decision's AL and its obligation level the lower counts" {
	versions $x $ann $one >in
	level() {
		decision "$1" "{\"id\":\"ob-1\",\"type\":\"custom\",\"properties\":{\"vendor\":\"ehr\",\"action\":\"level\",$2}}"
	}
	# shellcheck disable=SC2089
	for case in '5 x "rl":"N","al":3 N' '5 x "al":3 N' '3 x "rl":"V","al":5 N' '5 x "rl":"N","al":5 N' '5 x "rl":"V","al":1 L' '4 x "rl":"R","al":4 R'; do
		# shellcheck disable=SC2086,SC2090
		set -- $case
		level "$1" "$3"
		ehr 0 ehr-select -P "$P" --decision decision in
		[ "$(given)" = "x $4 A" ]
	done
	ehr 7 ehr-select -P "$P" --decision decision --al 5 in
	for wrong in '"rl":"N"' '"rl":"N","al":"3"' '"rl":"N","al":-1' '"rl":"N","al":2.5' '"rl":"X","al":3' '"rl":3,"al":3'; do
		level 5 "$wrong"
		ehr 7 ehr-select -P "$P" --decision decision in
		empty out
		has err 'ehr-select: decision: denied: /context/obligations/0: its obligation level names '
	done
}

@test "broken glass gives something: notify and expire are written for delivery first" {
	versions $x $ann $one >in
	notify='{"id":"ob-1","type":"notification","properties":{"vendor":"ehr","action":"notify","rule":"H-4","to":"privacy-officer","topic":"H-4","body":"Glass."}}'
	audit='{"id":"ob-2","type":"custom","properties":{"vendor":"ehr","action":"audit","level":"high"}}'
	expire='{"id":"ob-3","type":"custom","properties":{"vendor":"ehr","action":"expire","after":"4h","at":"2026-03-02T13:00:00Z"}}'
	decision 5 "$notify,$audit,$expire"
	ehr 7 ehr-select -P "$P" --decision decision --now 2026-03-02T09:00:00Z in
	empty out
	same err <<-'END'
		ehr-select: decision: denied: /context/obligations/0: the decision obliges to notify somebody: give --deliver FILE
	END
	ehr 0 ehr-select -P "$P" --decision decision --now 2026-03-02T09:00:00Z --deliver d in
	[ "$(given)" = 'x V A' ]
	empty err
	digest=sha256:$(head -c -1 decision | sha256sum | cut -d' ' -f1)
	same d <<-END
		{"v":1,"decision":"$digest","about":$(jq -c .context.about decision),"obligation":$notify}
		{"v":1,"decision":"$digest","about":$(jq -c .context.about decision),"obligation":$expire}
	END
	[ "$(stat -c %a d)" = 600 ]
	# It is appended, and a decision that gives nothing delivers nothing.
	waits_for d 'ehr-select: d: waiting for another program' \
		ehr-select -P "$P" --decision decision --now 2026-03-02T09:00:00Z --deliver d in
	[ "$(wc -l <d)" -eq 4 ]
	ehr 7 ehr-select -P "$P" --decision decision --now 2026-03-02T13:00:00Z --deliver d in
	empty out
	ehr 2 ehr-select -P "$P" --decision decision --deliver d in
	ehr 2 ehr-select -P "$P" --decision decision --now 2026-03-02T09:00:00Z --deliver in in
	has err "input and output are the same file: 'in'"
	mkfifo unread
	ehr 4 timeout 60 ehr-select -P "$P" --decision decision --now 2026-03-02T09:00:00Z --deliver unread in
	ehr 7 ehr-select -P "$P" --decision decision --now 2026-03-02T09:00:00Z --deliver d --al 9 in
	ehr 2 ehr-select -P "$P" --grant g --deliver d in
	[ "$(wc -l <d)" -eq 4 ]
	# The decision is not written into.
	ln decision hard
	for same in decision ./decision hard; do
		ehr 2 ehr-select -P "$P" --decision decision --now 2026-03-02T09:00:00Z --deliver $same in
		has err "input and output are the same file: '$same'"
		[ "$(wc -l <decision)" -eq 1 ]
	done
	# Nothing is given if nobody can be told.
	ehr 4 ehr-select -P "$P" --decision decision --now 2026-03-02T09:00:00Z --deliver /dev/full in
	empty out
	: >open && chmod 644 open && mkfifo -m 600 fifo
	ehr 4 ehr-select -P "$P" --decision decision --now 2026-03-02T09:00:00Z --deliver open in
	same err <<<"ehr-select: open: open to others, or somebody else's: chmod 600, or name another file"
	empty out open
	ehr 4 ehr-select -P "$P" --decision decision --now 2026-03-02T09:00:00Z --deliver fifo in
	same err <<<'ehr-select: fifo: a FIFO that nobody reads: start its reader first'
	empty out
	ehr 4 ehr-select -P "$P" --decision decision --now 2026-03-02T09:00:00Z --deliver no/where in
	empty out
}

@test "a group that is not whole is refused, and supersedes what was before it" {
	decision 5
	{ versions $x $ann $one && versions $y $ann $one && versions $x $ann $two | sed 4d && versions $y $tom $two; } >in
	ehr 1 ehr-select -P "$P" --decision decision --on-error skip in
	empty out
	has err 'in:9: versions-incomplete: '
	has err 'in:11: versions-incomplete: '
	[ "$(wc -l <err)" -eq 3 ]
	{ versions $x $ann $one && versions $x $ann $two | sed 1d; } >in
	ehr 1 ehr-select -P "$P" --decision decision --on-error skip in
	empty out
	ehr 5 ehr-select -P "$P" --decision decision in
	empty out
	{ versions $x $ann $one && versions $x $ann $two | head -n 2; } >in
	ehr 1 ehr-select -P "$P" --decision decision --on-error quarantine --quarantine q in
	empty out
	tail -n 2 in | cmp - <(jq -r .record q)
}

@test "forged tags are refused as anyone with a key would" {
	decision 5
	versions $x $ann $one | sed 's/"rl":"V","al":5/"rl":"V","al":1/' >in
	ehr 6 ehr-select -P "$P" --decision decision in
	empty out
	has err 'in:4: tag-mismatch'
	ehr 1 ehr-select -P "$P" --decision decision --on-error skip --max-refused 9 --max-record 1M --max-depth 9 --progress in
	empty out
	sealed $x $ann Z 5 1 1 $one >in
	ehr 5 ehr-select -P "$P" --decision decision in
	has err 'in:1: unknown-level'
}

@test "what ehr-authz decides, ehr-select carries out" {
	versions $x $ann $one >in
	echo "{\"type\":\"patient\",\"id\":\"ann\",\"properties\":{\"pseudonym\":\"s_$ann\"}}" >entities
	mkdir policy
	cp "$cases/policy.yaml" policy/
	cp -r "$cases/hospital/policies" policy/authz
	grep -F -e '"treating physician, whole record"' "$cases/hospital/requests.ndjson" >request
	ehr 0 ehr-authz -P policy --consents "$cases/hospital/consents" --facts "$cases/hospital/facts.ndjson" --entities entities request
	cp out decision
	ehr 0 ehr-select -P policy --decision decision --now 2026-03-02T09:00:00Z in
	[ "$(given)" = 'x V A' ]
	grep -F -e '"marketing"' "$cases/hospital/requests.ndjson" >request
	ehr 7 ehr-authz -P policy --consents "$cases/hospital/consents" --entities entities --exit-status request
	cp out decision
	ehr 7 ehr-select -P policy --decision decision --now 2026-03-02T09:00:00Z in
	empty out
}

@test "from the decision to the lines, as the manual of ehr-authz prints it" {
	local page=$EHR_ROOT/share/man/man1/ehr-authz.1
	ehr-keys make -P hospital -S site --now 2026-03-01T00:00:00Z >made
	cp "$cases"/hospital/consents/*.yaml site/consents/
	cp "$cases/hospital/facts.ndjson" site/
	for patient in ann tom; do
		echo "{\"resourceType\":\"Observation\",\"id\":\"o-$patient\",\"status\":\"final\",\"code\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"8867-4\"}]},\"subject\":{\"reference\":\"Patient/$patient\"},\"valueQuantity\":{\"value\":72,\"system\":\"http://unitsofmeasure.org\",\"code\":\"/min\"}}"
	done | ehr-ingest | ehr-classify -P hospital 2>warned | ehr-redact -S site |
		ehr-seal -S site --now 2026-03-02T08:00:00Z >sealed.ndjson
	grep -F '"treating physician, whole record"' "$cases/hospital/requests.ndjson" >request.json
	sed -n '/^Decide, and give/,/^\.Ed/p' "$page" | sed '1,/^\.Bd/d; /^\.Ed/d; s/\\e$/\\/' >way
	[ "$(wc -l <way)" -eq 4 ]
	line 0 'bash -e way'
	[ "$(wc -l <out)" -eq 1 ]
	empty err
	[ "$(jq -r .ehr.subject out)" = "$(jq -r .properties.pseudonym site/entities.ndjson)" ]
	[ "$(jq -r .context.about.pseudonym decision.json)" = "$(ehr-keys pseudonym -S site Patient/ann)" ]
	# Without the site's statement, nothing is given, but it is said.
	rm site/entities.ndjson
	sed -i 1d way
	line 1 'bash -e way'
	empty out
	has err 'the decision names no pseudonym, and no line is about its patient'
	rm -f site/policy
	ehr 2 ehr-keys pseudonym -S site --entities ann
	ehr 2 ehr-keys pseudonym -P hospital -S site --entities --kind id ann
}

@test "a decision gives nothing to a person who was revoked since" {
	versions $x $ann $one >in
	decision 5
	ehr-keys make -P "$EHR_ROOT/policies/hospital" -S site --now 2026-03-01T00:00:00Z >made
	ehr 0 ehr-select -P "$P" -S site --decision decision in
	ehr-keys revoke -S site --party dr-lee-2 --now 2026-03-02T08:00:00Z >other
	ehr 0 ehr-select -P "$P" -S site --decision decision in
	[ "$(given)" = 'x V A' ]
	ehr-keys revoke -S site --party dr-lee --now 2026-03-02T08:00:00Z >list
	ehr 7 ehr-select -P "$P" -S site --decision decision in
	empty out
	same err <<-'END'
		ehr-select: decision: denied: revoked
	END
	ehr 7 ehr-select -P "$P" --authority site/authority.jwks --revoked list --decision decision in
	empty out
	ehr 2 ehr-select -P "$P" --revoked list --decision decision in
	has err 'needs --site DIR or --authority JWKS'
}

@test "a decision gives nothing to a device that was revoked since, by its id or its thumbprint" {
	versions $x $ann $one >in
	ehr-keys make -P "$EHR_ROOT/policies/hospital" -S site --now 2026-03-01T00:00:00Z >made
	for name in tablet other; do
		ehr-keys make --kind reader --keys $name --authority site/authority.jwks --now 2026-03-01T00:00:00Z >$name.enrol
		ehr-keys list --self --keys $name >$name.self
		ehr-keys enrol -S site --expect "$(jq -r .sig.jkt $name.self)" --now 2026-03-01T00:00:00Z $name.enrol >$name.device
	done
	on() {
		decision 5
		jq -c --argjson device "$1" '.context.about.device = $device' decision >on && mv on decision
	}
	ehr-keys revoke -S site --device "$(jq -r .id tablet.self)" --now 2026-03-02T08:00:00Z >list
	for name in .id .sig.jkt; do
		on "$(jq $name other.self)"
		ehr 0 ehr-select -P "$P" -S site --decision decision in
		[ "$(given)" = 'x V A' ]
		on "$(jq $name tablet.self)"
		ehr 0 ehr-select -P "$P" --decision decision in
		ehr 7 ehr-select -P "$P" -S site --decision decision in
		empty out
		same err <<<'ehr-select: decision: denied: revoked'
		ehr 7 ehr-select -P "$P" --authority site/authority.jwks --revoked list --decision decision in
		empty out
	done
	for name in '["d_x"]' null 1; do
		on "$name"
		ehr 7 ehr-select -P "$P" -S site --decision decision in
		same err <<<'ehr-select: decision: denied: the decision names its person or device by no word'
	done
}

@test "misuse: no policy, no decision, both a decision and a grant" {
	ehr 2 ehr-select --decision decision </dev/null
	ehr 2 ehr-select -P "$P" </dev/null
	has err 'needs either --decision FILE or --grant FILE'
	ehr 2 ehr-select -P "$P" --decision d --grant g </dev/null
	ehr 2 ehr-select -P "$P" --grant g </dev/null
	has err 'needs --site DIR or --authority JWKS'
	ehr 4 ehr-select -P "$P" --decision nowhere </dev/null
	has err 'ehr-select: nowhere: No such file or directory'
	ehr 4 ehr-select -P "$P" --grant g --authority nowhere --revoked nowhere </dev/null
	has err 'ehr-select: nowhere: No such file or directory'
}

@test "whichever read or write fails, it ends with 4 and says so" {
	# LD_PRELOAD and sanitizers do not go together: this is the matter of the plain run.
	native || return 0
	versions $x $ann $one >in
	decision 5
	for call in read write; do
		torture "$call" ehr-select -P "$P" --decision decision
		[ "$faults" -ge 1 ]
	done
	line 4 'ehr-select -P '"$P"' --decision decision in >/dev/full'
}

@test "what keys were granted opens what was selected: sealing, selecting and opening fit together" {
	ehr-keys make -P "$EHR_ROOT/policies/hospital" -S site >/dev/null
	head -n 20 "$EHR_ROOT/testdata/ward/upload.ndjson" | ehr-ingest | ehr-classify -P "$EHR_ROOT/policies/hospital" 2>err1 |
		ehr-redact -P "$EHR_ROOT/policies/hospital" -S site | ehr-seal -P "$EHR_ROOT/policies/hospital" -S site >store
	subject=$(jq -r '.ehr.subject // empty' store | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }')
	decision 3
	sed -i "s/s_$ann/$subject/" decision
	ehr 0 ehr-select -P "$EHR_ROOT/policies/hospital" --decision decision store
	cp out selected
	jq -c --arg s "$subject" 'select(.ehr.subject == $s and .ehr.al <= 3)' store | jq -s 'group_by(.ehr.id) | length' >want
	[ "$(wc -l <selected)" -eq "$(cat want)" ]
	[ "$(jq -r .ehr.al selected | sort -rn | head -n 1)" -le 3 ]
	ehr 0 ehr-open -S site selected
	[ "$(wc -l <out)" -eq "$(wc -l <selected)" ]
	ehr 0 ehr-select -P "$EHR_ROOT/policies/hospital" --decision decision --pick all store
	[ "$(wc -l <out)" -gt "$(wc -l <selected)" ]
}

@test "a subscriber's grant: decided, signed, and then good for what it says until it ends" {
	local P=$EHR_ROOT/policies/hospital now=2026-03-02T09:00:00Z subject
	ehr-keys make -P "$P" -S site --now "$now" >made
	ehr-keys make --kind reader --keys tablet --authority site/authority.jwks --now "$now" >tablet.enrol
	device=$(ehr-keys list --self --keys tablet | jq -r .sig.jkt)
	ehr-keys enrol -S site --expect "$device" --al-cap 5 --now "$now" tablet.enrol >enrolled
	head -n 20 "$EHR_ROOT/testdata/ward/upload.ndjson" | ehr-ingest | ehr-classify -P "$P" 2>err1 |
		ehr-redact -P "$P" -S site | ehr-seal -P "$P" -S site >store
	subject=$(jq -r '.ehr.subject // empty' store | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }')
	echo "{\"type\":\"patient\",\"id\":\"ann\",\"properties\":{\"pseudonym\":\"$subject\"}}" >site/entities.ndjson
	cp "$cases/hospital/facts.ndjson" site/
	cp "$cases"/hospital/consents/*.yaml site/consents/
	grep -F -e '"id": "subscribe"' "$cases/hospital/requests.ndjson" | head -n 1 |
		jq -c --arg device "$device" '.subject.properties.device = $device' >request
	ehr 0 ehr-authz -P "$P" -S site request
	cp out decision
	ehr 0 ehr-keys grant -P "$P" -S site --decision decision --now "$now"
	cp out grant
	ehr 2 ehr-select -P "$P" -S site --grant grant store
	has err 'needs --now TIME'
	ehr 0 ehr-select -P "$P" -S site --grant grant --now 2026-03-02T10:00:00Z store
	[ -s out ]
	[ "$(jq -r .ehr.subject out | sort -u)" = "$subject" ]
	[ "$(jq -r .ehr.al out | sort -rn | head -n 1)" -eq 4 ]
	ehr 7 ehr-select -P "$P" -S site --grant grant --now 2026-03-16T10:00:00Z store
	empty out
	has err 'grant: denied: grant-expired'
	ehr 0 ehr-select -P "$P" --grant grant --authority site/authority.jwks --now 2026-03-02T10:00:00Z --al 1 store
	[ "$(jq -r .ehr.al out | sort -rn | head -n 1)" -le 1 ]
	ehr-keys make -P "$P" -S other --now "$now" >made
	ehr 7 ehr-select -P "$P" -S other --grant grant --now 2026-03-02T10:00:00Z store
	has err 'it is not one grant that verifies'
}
