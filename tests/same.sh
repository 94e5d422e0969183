#!/bin/bash
# usage: same.sh OLD NEW [PATTERN]
# Whether two builds of the programs answer the same.  OLD and NEW are checkouts that are built, or folders with the
# programs.  Both get the same command lines over the same input: the testdata, policies and golden cases of this
# checkout, 20,000 generated records, disturbed copies of all of these, and ../shared where it is there.  Compared are
# standard output, standard error, exit status and the files that a command leaves.
#
# Standard output is the same to the byte, with two exceptions, since keys, batches and content keys are random: sealed
# lines are compared by their tags without `batch` and by what ehr-open makes of them, keys by their form.  OLD makes one
# site, and both use copies of it.  Each stage of the pipeline reads what OLD's stage before it wrote.
#
# With PATTERN, an extended regular expression, only the commands that match it are run; all take some minutes.
# Prints each command that is answered differently, with the first line that differs, then the count.  0: all the same; 1: not; 2: wrong usage.
#   JOBS       commands at once (the number of processors)
#   SAME_KEEP  a folder for the input, which stays (a temporary one that goes at the end)
set -euo pipefail
export LC_ALL=C TZ=UTC
[ $# -eq 2 ] || [ $# -eq 3 ] || {
	sed -n 's/^# usage/usage/p' "$0" >&2
	exit 2
}

# The folder of programs of a checkout, or the folder itself.
programs() {
	local dir
	for dir in "$1/build/release/bin" "$1/bin" "$1"; do
		[ ! -x "$dir/ehr-ingest" ] || {
			(cd "$dir" && pwd)
			return
		}
	done
	echo "same: there are no programs in $1" >&2
	return 2
}

OLD=$(programs "$1")
NEW=$(programs "$2")
ROOT=$(cd "$(dirname "$0")/.." && pwd)
SHARED=$ROOT/../shared
T=$ROOT/testdata
H=$ROOT/policies/hospital
M=$ROOT/policies/meter
NOW=2026-11-01T19:30:00Z
WORK=${SAME_KEEP:-$(mktemp -d "${TMPDIR:-/tmp}/same.XXXXXX")}
[ -n "${SAME_KEEP:-}" ] || trap 'rm -rf "$WORK"' EXIT
rm -rf "$WORK/in"
mkdir -p "$WORK/in"
I=$WORK/in
export ROOT T H M NOW I EHR_ROOT=$ROOT
helper() { perl "$ROOT/tests/lib/same.pl" "$@"; }

# ---- input: whatever both read is made once, by OLD -----------------------------------------------------
old() { PATH=$OLD:$PATH "$@" 2>/dev/null || [ $? -le 7 ]; }

# The stages of a pipeline over the file $2 under policy $3 and site $4: the input of each later stage.
stages() {
	old ehr-ingest --on-error skip "$2" >"$I/$1.ingested"
	old ehr-classify -P "$3" --now $NOW --on-error skip "$I/$1.ingested" >"$I/$1.labelled"
	old ehr-redact -P "$3" -S "$4" --now $NOW --on-error skip "$I/$1.labelled" >"$I/$1.versions"
	old ehr-seal -P "$3" -S "$4" --on-error skip "$I/$1.versions" >"$I/$1.sealed"
	old ehr-open -S "$4" "$I/$1.sealed" >"$I/$1.opened"
}

# A site for notifying: two persons with grants, their subscriptions, a directive, facts.
people() {
	local S=$I/site name device jkt asked file at
	cp "$T/ward/facts.ndjson" "$S/"
	cp "$T"/ward/consents/* "$S/consents/"
	for name in nina dr-lee; do
		old ehr-keys make --kind reader --keys "$I/device.$name" --authority "$S/authority.jwks" --now $NOW >"$I/enrol.$name"
		device=$(old ehr-keys list --self --keys "$I/device.$name" | jq -r .id)
		jkt=$(old ehr-keys list --self --keys "$I/device.$name" | jq -r .sig.jkt)
		echo "$device" >"$I/id.$name"
		old ehr-keys enrol -S "$S" --expect "$jkt" --al-cap 5 --now $NOW "$I/enrol.$name" >"$I/entry.$name"
		# A decision is taken once: the first is used here, the second is for the commands.
		for file in release again; do
			at=$NOW
			[ $file = release ] || at=$(date -u -d "@$(($(date -u -d "$NOW" +%s) - 1))" +%FT%TZ)
			asked=$(old ehr-keys release --offline --ask -S "$S" --device "$device" --user "$name" --now "$at" | head -c -1 | sha256sum | cut -d' ' -f1)
			printf '{"decision":true,"context":{"about":{"request":"sha256:%s","subject":"%s","action":"release-keys","device":"%s","epoch":1},"al":4,"time":"%s","policy":"sha256:%064d","obligations":[]}}\n' \
				"$asked" "$name" "$device" "$at" 0 >"$I/$file.$name"
		done
		old ehr-keys release --offline -S "$S" --device "$device" --user "$name" --decision "$I/release.$name" --now $NOW >"$I/message.$name"
	done
	subject=$(old ehr-keys pseudonym -P "$H" -S "$S" --kind subject Patient/w2)
	printf '{"type":"patient","id":"w2","properties":{"pseudonym":"%s"}}\n' "$subject" >"$S/entities.ndjson"
	old ehr-authz -P "$H" -S "$S" "$T/ward/requests.ndjson" >"$I/decisions"
	old ehr-authz -P "$H" -S "$S" --public "$T/ward/requests.ndjson" >"$I/decisions.public"
	local party role class
	while read -r name role class; do
		printf '{"id":"%s","subject":{"type":"user","id":"%s","properties":{"domain":"hospital","device":"%s","structural_role":"%s","functional_role":["%s"],"permissions":["PRD-006"],"ward":"7"}},"action":{"name":"subscribe"},"resource":{"type":"patient","id":"w2","properties":{"domain":"hospital","patient":"w2","ward":"7"}},"context":{"purpose":"TREAT","time":"%s","acr":"loa3","route":"on-site","supported_actions":["level","audit","expire"]}}\n' \
			"$name" "$name" "$(cat "$I/id.$name")" "$role" "$role" "$NOW" >>"$I/subscribe"
	done <<-'END'
		nina nurse care-team
		dr-lee physician on-call-physician
	END
	old ehr-authz -P "$H" -S "$S" "$I/subscribe" >"$I/subscribe.decisions"
	split -l 1 -a 1 "$I/subscribe.decisions" "$I/subscribe.decision."
	for name in a b; do
		old ehr-keys grant -P "$H" -S "$S" --decision "$I/subscribe.decision.$name" --now $NOW >"$I/grant.$name"
		cat "$I/grant.$name" >>"$S/grants.jwts"
		party=nina class=care-team
		[ $name = a ] || party=dr-lee class=on-call-physician
		cut -d. -f2 "$I/grant.$name" | tr '_-' '/+' |
			jq -Rc --arg id "s-$name" --arg party $party --arg class $class '. + "==="[(length + 3) % 4:] | @base64d | fromjson
				| {id: $id, party: $party, grant: .jti, responder: $class, select: {subjects: [.subjects[0]]}, purpose: "TREAT"}' \
				>>"$S/subscriptions/ward.ndjson" || true
	done
}

prepare() {
	old ehr-keys make -P "$H" -S "$I/site" --now 2026-10-01T00:00:00Z >"$I/epoch"
	old ehr-keys make -P "$M" -S "$I/meter" --now 2026-10-01T00:00:00Z >"$I/epoch.meter"
	old ehr-keys make -P "$T/policies/notify" -S "$I/notify" --now 2026-10-01T00:00:00Z >/dev/null
	people
	cc -O2 -o "$I/generate" "$ROOT/tests/lib/generate.c"
	# 20,000 records; the generator counts bytes.
	"$I/generate" 1 40000000 | head -n 20000 >"$I/generated.in" || true
	(cd "$I" && perl "$T/canary/make.pl" "$T/canary/places.ndjson" && mv records.ndjson canary.in)
	cat "$T/ward/upload.ndjson" "$T/ward/bundle.json" >"$I/ward.in"
	find "$T/corpus" "$T/records" -type f | sort | while read -r file; do
		cat "$file"
		echo
	done >"$I/corpus.in"
	if [ -d "$SHARED/data" ]; then
		find "$SHARED/data" -name '*.ndjson' ! -path '*/meter-*' | sort | xargs cat >"$I/data.in"
		find "$SHARED/data" -name '*.ndjson' -path '*/meter-*' | sort | xargs cat >"$I/data-meter.in"
	fi
	[ ! -e "$SHARED/cases/labels.tsv" ] || sed '/^#/d' "$SHARED/cases/labels.tsv" | cut -f3 >"$I/labels.in"
	local name
	for name in ward canary generated corpus data labels; do
		[ ! -e "$I/$name.in" ] || stages $name "$I/$name.in" "$H" "$I/site"
	done
	stages meter "$T/meter/readings.ndjson" "$M" "$I/meter"
	cp "$T/meter/readings.ndjson" "$I/meter.in"
	[ ! -e "$I/data-meter.in" ] || stages data-meter "$I/data-meter.in" "$M" "$I/meter"
	# Lines with one thing changed: what readers refuse, and how they say it.
	helper disturb 1 4000 "$T/ward/upload.ndjson" "$T/ward/bundle.json" "$I/canary.in" >"$I/disturbed.in"
	for name in labelled versions sealed opened; do
		helper disturb 2 3000 "$I/ward.$name" "$I/canary.$name" >"$I/disturbed.$name"
	done
	helper disturb 3 3000 "$T/ward/requests.ndjson" "$T/authz/requests.ndjson" "$T/authz/hospital/requests.ndjson" \
		"$T/authz/traps/requests.ndjson" >"$I/disturbed.requests"
	helper disturb 4 200 "$T/ward/facts.ndjson" "$T/authz/hospital/facts.ndjson" >"$I/disturbed.facts"
	helper disturb 5 200 "$T/authz/traps/entities.ndjson" >"$I/disturbed.entities"
	helper disturb 6 200 "$I/decisions" >"$I/disturbed.decisions"
	helper disturb 7 200 "$I/site/subscriptions/ward.ndjson" >"$I/disturbed.subscriptions"
	helper disturb 8 100 "$I/grant.a" "$I/grant.b" >"$I/disturbed.grants"
	helper disturb 9 100 "$I/message.nina" "$I/epoch" "$I/entry.nina" "$I/enrol.nina" >"$I/disturbed.messages"
}

# ---- the commands: ask MODE 'shell line'; MODE is exact, sealed or keys ----------------------------------
ask() {
	printf '%s\t%s\n' "$1" "$2" >>"$WORK/asked"
}

usage() {
	local program verb
	for program in authz classify ingest keys notify open policy redact seal select; do
		ask exact "ehr-$program --help"
		ask exact "ehr-$program --version"
		ask exact "ehr-$program"
		ask exact "ehr-$program --nonsense"
		ask exact "ehr-$program -P"
		ask exact "ehr-$program -P none -S none none"
		ask exact "ehr-$program -P \$H -S none none"
		ask exact "ehr-$program -P \$H -S \$I/site none"
		ask exact "ehr-$program -P \$H -S \$I/site --max-record 0"
		ask exact "ehr-$program -P \$H -S \$I/site --max-depth x"
		ask exact "ehr-$program -P \$H -S \$I/site --on-error often"
		ask exact "ehr-$program -P \$H -S \$I/site --on-error quarantine"
		ask exact "ehr-$program -P \$H -S \$I/site --now yesterday"
	done
	for verb in check test explain new; do
		ask exact "ehr-policy $verb --help"
		ask exact "ehr-policy $verb"
	done
	for verb in make enrol release accept grant rotate revoke list pseudonym; do
		ask exact "ehr-keys $verb --help"
		ask exact "ehr-keys $verb"
		ask exact "ehr-keys $verb -P \$H"
	done
}

# Every file that is there, by itself, into every program: also with the first error as the end.
files() {
	local file keep
	for file in $(cd "$T" && find . -type f ! -name '*.pl' ! -name '*.jq' ! -name '*.md' | sed 's|^\./||' | sort); do
		keep='--on-error quarantine --quarantine q'
		case $file in golden/*) continue ;; esac
		ask exact "ehr-ingest \$T/$file"
		ask exact "ehr-ingest $keep --from lines -v \$T/$file"
		ask exact "ehr-ingest $keep --from json \$T/$file"
		ask exact "ehr-ingest $keep --from seq --bundle keep \$T/$file"
		ask exact "ehr-classify -P \$H \$T/$file"
		ask exact "ehr-classify -P \$T/policies/labels $keep -v \$T/$file"
		ask exact "ehr-redact -P \$H -S \$I/site --now \$NOW \$T/$file"
		ask exact "ehr-redact -P \$M -S \$I/meter $keep --now \$NOW \$T/$file"
		ask sealed "ehr-seal -P \$H -S \$I/site \$T/$file"
		ask sealed "ehr-seal --to \$T/keys/recipient.jwk --allow-test-keys -P \$H $keep \$T/$file"
		ask exact "ehr-open -S \$I/site --key \$T/keys/recipient.pem --allow-test-keys \$T/$file"
		ask exact "ehr-open -S \$I/site $keep \$T/$file"
		ask exact "ehr-notify -P \$H -S \$I/site --now \$NOW \$T/$file"
		ask exact "ehr-select -P \$H -S \$I/site --decision \$I/subscribe.decision.a --now \$NOW \$T/$file"
		ask exact "ehr-authz -P \$H -S \$I/site \$T/$file"
		ask exact "ehr-authz -P \$H $keep --facts \$T/$file \$T/ward/requests.ndjson"
		ask exact "ehr-authz -P \$H $keep --entities \$T/$file --consents \$T/$file \$T/ward/requests.ndjson"
		ask exact "ehr-policy explain -P \$H --now \$NOW \$T/$file"
		ask keys "cp -r \$I/device.nina d && ehr-keys accept --keys d --now \$NOW \$T/$file"
	done
}

golden() {
	local case
	for case in "$T"/golden/*/*/; do
		case=${case%/}
		ask exact "cd \$T/${case#"$T"/} && . ./cmd"
	done
}

# Stage by stage over one input: NAME POLICY SITE, each with what it refuses kept.
pipeline() {
	local keep='--on-error quarantine --quarantine q' P=$2 S=$3 in=\$I/$1
	ask exact "ehr-ingest $keep -v $in.in"
	ask exact "ehr-ingest $keep --from lines $in.in"
	ask exact "ehr-classify -P $P --now \$NOW $keep -v $in.in"
	ask exact "ehr-classify -P $P $keep $in.ingested"
	ask exact "ehr-classify -P $P $keep $in.labelled"
	ask exact "ehr-redact -P $P -S $S --now \$NOW --batch run-1 $keep -v $in.labelled"
	ask exact "ehr-redact -P $P -S $S --other-policy accept $keep $in.labelled"
	ask sealed "ehr-seal -P $P -S $S $keep -v $in.versions"
	ask sealed "ehr-seal -P $P -S $S --check $keep $in.versions >s; ehr-open -S $S s"
	ask sealed "ehr-seal --to \$T/keys/recipient.jwk --allow-test-keys -P $P -S $S $keep $in.versions >s; ehr-open --key \$T/keys/recipient.pem --allow-test-keys s"
	ask exact "ehr-open -S $S $keep -v $in.sealed"
	ask exact "ehr-open -S $S -P $P --record $keep $in.sealed"
	ask sealed "ehr-seal -P $P -S $S $keep $in.opened"
	ask exact "ehr-notify -P $P -S $S --now \$NOW --suppressed n $keep -v $in.sealed"
	ask exact "ehr-notify -P $P $keep $in.sealed"
}

# What only some lines reach: all four kinds of selecting, and disturbed lines into each reader.
readers() {
	local keep='--on-error quarantine --quarantine q' name by
	for name in ward canary disturbed generated data; do
		[ -e "$I/$name.sealed" ] || continue
		for by in '--decision $I/subscribe.decision.a' '--decision $I/subscribe.decision.b --pick all' \
			'--decision $I/subscribe.decision.b --al 3' '--decision $I/subscribe.decision.b --level N' \
			'--grant $I/grant.a' '--grant $I/grant.b --pick all'; do
			ask exact "ehr-select -P \$H -S \$I/site $by --now \$NOW $keep -v \$I/$name.sealed"
		done
	done
	ask exact "while read -r line; do echo \"\$line\" >d; ehr-select -P \$H -S \$I/site --decision d --now \$NOW \$I/ward.sealed; echo \$?; done <\$I/disturbed.decisions"
	ask exact "while read -r line; do echo \"\$line\" >g; ehr-select -P \$H -S \$I/site --grant g --now \$NOW \$I/ward.sealed; echo \$?; done <\$I/disturbed.grants"
	ask exact "while read -r line; do echo \"\$line\" >f; ehr-authz -P \$H --facts f \$T/ward/requests.ndjson | cksum; done <\$I/disturbed.facts"
	ask exact "while read -r line; do echo \"\$line\" >f; ehr-authz -P \$H --entities f \$T/ward/requests.ndjson | cksum; done <\$I/disturbed.entities"
	ask exact "while read -r line; do echo \"\$line\" >l.ndjson; ehr-notify -P \$H -S \$I/site --subscriptions l.ndjson --now \$NOW --suppressed n \$I/ward.sealed; echo \$?; done <\$I/disturbed.subscriptions"
	ask exact "ehr-notify -P \$H -S \$I/site --grants \$I/disturbed.grants --now \$NOW --suppressed n \$I/ward.sealed"
	ask exact "ehr-notify -P \$H -S \$I/site --strict --now \$NOW \$I/ward.sealed"
	ask keys "while read -r line; do cp -r \$I/device.nina d; echo \"\$line\" >m; ehr-keys accept --keys d --now \$NOW m; echo \$?; rm -rf d; done <\$I/disturbed.messages"
	ask exact "ehr-classify -P \$H --now \$NOW $keep \$I/disturbed.in"
	ask exact "ehr-ingest $keep --from lines \$I/disturbed.in"
	ask exact "ehr-classify -P \$H $keep \$I/disturbed.labelled"
	ask exact "ehr-redact -P \$H -S \$I/site --now \$NOW $keep \$I/disturbed.labelled"
	ask sealed "ehr-seal -P \$H -S \$I/site $keep \$I/disturbed.versions"
	ask sealed "ehr-seal -P \$H -S \$I/site --check $keep \$I/disturbed.versions"
	ask sealed "ehr-seal -P \$H -S \$I/site $keep \$I/disturbed.opened"
	ask exact "ehr-open -S \$I/site $keep \$I/disturbed.sealed"
	ask exact "ehr-open -S \$I/site -P \$H $keep \$I/disturbed.sealed"
	ask exact "ehr-notify -P \$H -S \$I/site --now \$NOW $keep \$I/disturbed.sealed"
	ask exact "ehr-authz -P \$H -S \$I/site $keep \$I/disturbed.requests"
	ask exact "ehr-authz -P \$H -S \$I/site --public --now \$NOW $keep \$I/disturbed.requests"
}

# Sets of authorization cases below the folder $2, which has the name $1.
authorization() {
	local set options name
	for set in . traps hospital literal/01 literal/02 literal/03 literal/04 literal/05 literal/06 literal/07 literal/08 \
		literal/09 literal/10; do
		[ -e "$2/$set/requests.ndjson" ] || continue
		mkdir -p "$I/$1/$set/P/authz"
		cp "$T/authz/policy.yaml" "$I/$1/$set/P/"
		cp "$2/$set"/policies/*.yaml "$I/$1/$set/P/authz/"
		cp -r "$2/$set"/* "$I/$1/$set/"
		options=
		[ ! -d "$2/$set/consents" ] || options="--consents \$I/$1/$set/consents"
		for name in facts entities used; do
			[ ! -e "$2/$set/$name.ndjson" ] || options+=" --$name \$I/$1/$set/$name.ndjson"
		done
		ask exact "ehr-authz -P \$I/$1/$set/P $options --on-error skip -v \$I/$1/$set/requests.ndjson"
		ask exact "ehr-authz -P \$I/$1/$set/P $options --on-error skip --public \$I/$1/$set/requests.ndjson"
		ask exact "ehr-authz -P \$I/$1/$set/P --on-error skip --now \$NOW \$I/$1/$set/requests.ndjson"
		ask exact "ehr-authz -P \$I/$1/$set/P $options --on-error skip \$I/disturbed.requests"
		ask exact "ehr-policy check -P \$I/$1/$set/P"
	done
}

# Policies as they are, and with each line of each file once left out, once with its value or its first word changed.
policies() {
	local policy whole file edits at edit count=0
	for policy in "$H" "$M" "$T/policies/labels" "$T/policies/notify"; do
		policy=\$ROOT${policy#"$ROOT"}
		for at in check test 'explain --bars --width 120' 'explain --level N'; do
			ask exact "ehr-policy ${at%% *} -P $policy ${at#"${at%% *}"} \$T/ward/upload.ndjson"
			ask exact "ehr-policy ${at%% *} -P $policy ${at#"${at%% *}"}"
		done
	done
	for at in ward/upload.ndjson meter/readings.ndjson ward/bundle.json; do
		ask exact "ehr-policy new made --from \$T/$at"
	done
	for policy in "$H" "$M" "$T/policies/labels" "$T/policies/notify"; do
		for file in $(cd "$policy" && find . -name '*.yaml' ! -path './tests/*' | sed 's|^\./||' | sort); do
			edits=$I/edits.$((count += 1))
			grep -n '^ *[^ #]' "$policy/$file" | cut -d: -f1 | while read -r at; do
				printf '%s\n' "${at}d" "${at}s/[A-Za-z_-]\\+/zzz/" "${at}s/[^ ]\\+\$/7/" "${at}s/\$/ ]/"
			done >"$edits"
			whole=\$ROOT${policy#"$ROOT"}
			ask exact "cp -r $whole P; while read -r e; do echo \"\$e\" >&2; sed \"\$e\" $whole/$file >P/$file; ehr-policy check -P P; echo \$?; done <\$I/${edits##*/}"
		done
	done
	# The other readers of a policy say the same of it.
	for file in classify redact seal notify policy; do
		for at in 1 3 5 9; do
			for edit in classify redact seal notify authz; do
				ask sealed "cp -r \$H P; sed -i '${at}s/[A-Za-z_-]\\+/zzz/' P/$file.yaml; ehr-$edit -P P \$([ $edit = classify ] || echo -S \$I/site) </dev/null"
			done
		done
	done
}

# Keys: what each verb prints and leaves.  A verb that writes gets a copy of the site.
keys() {
	ask keys "ehr-keys make -P \$H -S site --now \$NOW"
	ask keys "ehr-keys make -P \$M --keys k --now \$NOW"
	for kind in reader sealer sensor actuator authority; do
		ask keys "ehr-keys make --kind $kind --keys k --authority \$I/site/authority.jwks --now \$NOW"
	done
	ask exact "ehr-keys list -S \$I/site"
	ask exact "ehr-keys list -S \$I/site --devices"
	ask exact "ehr-keys list -S \$I/site --self"
	ask exact "ehr-keys list --keys \$I/device.nina"
	ask exact "ehr-keys list --keys \$I/device.nina --self"
	ask exact "ehr-keys pseudonym -P \$H -S \$I/site Patient/w2 x ''"
	ask exact "ehr-keys pseudonym -P \$H -S \$I/site --kind id <\$T/ward/upload.ndjson"
	ask keys "cp -r \$I/site s; ehr-keys rotate -P \$H -S s --now \$NOW; ehr-keys list -S s"
	ask keys "cp -r \$I/site s; ehr-keys rotate -P \$H -S s --now \$NOW >e; cp -r \$I/device.nina d; ehr-keys accept --keys d --now \$NOW e; ehr-keys list --keys d"
	ask keys "cp -r \$I/site s; ehr-keys revoke -S s --party nina --device \$(cat \$I/id.nina) --now \$NOW; ehr-notify -P \$H -S s --now \$NOW \$I/ward.sealed"
	ask keys "cp -r \$I/device.nina d; ehr-keys accept --keys d --now \$NOW \$I/message.nina; ehr-keys list --keys d; ehr-open --key d --now \$NOW --on-error skip \$I/ward.sealed"
	ask keys "cp -r \$I/device.nina d; ehr-keys accept --keys d --now \$NOW \$I/message.nina; ehr-open --key d --on-error skip \$I/ward.sealed; ehr-open --key d --now 2028-01-01T00:00:00Z \$I/ward.sealed"
	ask keys "cp -r \$I/device.nina d; ehr-keys accept --keys d --now 2028-01-01T00:00:00Z \$I/message.nina"
	ask keys "cp -r \$I/site s; ehr-keys release --offline -S s --device \$(cat \$I/id.nina) --user nina --decision \$I/again.nina --now \$NOW"
	ask keys "cp -r \$I/site s; ehr-keys release --offline -S s --device \$(cat \$I/id.nina) --user nina --decision \$I/release.nina --now \$NOW"
	ask keys "cp -r \$I/site s; ehr-keys release -S s --device \$(cat \$I/id.nina) --user paul --decision \$I/again.nina --now \$NOW"
	ask keys "cp -r \$I/site s; ehr-keys release --ask -S s --device \$(cat \$I/id.nina) --user nina --now \$NOW"
	ask keys "cp -r \$I/site s; ehr-keys grant -P \$H -S s --decision \$I/subscribe.decision.b --now \$NOW"
	ask keys "cp -r \$I/site s; ehr-keys grant -P \$H -S s --decision \$I/subscribe.decisions --now \$NOW"
	ask keys "cp -r \$I/site s; while read -r line; do echo \"\$line\" >d; ehr-keys grant -P \$H -S s --decision d --now \$NOW; echo \$?; done <\$I/disturbed.decisions"
	ask keys "cp -r \$I/site s; ehr-keys enrol -S s --expect x --now \$NOW \$I/enrol.nina"
}

# Collections of hard cases: each file by itself, all in one command.
foreign() {
	local each='| sort | while read -r f; do echo "$f"; '
	ask exact "find \$ROOT/../shared/data -name '*.json' $each ehr-ingest \"\$f\"; echo \$?; done"
	ask exact "find \$ROOT/../shared/data -name '*.json' $each ehr-classify -P \$H \"\$f\"; echo \$?; done"
	ask exact "find \$ROOT/../shared/data -name '*.json' $each ehr-authz -P \$H \"\$f\"; echo \$?; done"
	ask exact "find \$ROOT/../shared/data -name '*.yaml' $each ehr-authz -P \$H --consents \"\$f\" \$T/ward/requests.ndjson; echo \$?; done"
	ask exact "find \$ROOT/../shared/data -name '*.yaml' $each rm -rf P; cp -r \$M P; cp \"\$f\" P/redact.yaml; ehr-policy check -P P; echo \$?; done"
	ask exact "find \$ROOT/../shared/data -name '*.txt' $each ehr-ingest --on-error skip \"\$f\"; ehr-keys pseudonym -P \$H -S \$I/site <\"\$f\"; echo \$?; done"
}

asks() {
	local name
	: >"$WORK/asked"
	usage
	files
	golden
	for name in ward canary corpus generated labels data; do
		[ ! -e "$I/$name.in" ] || pipeline $name '$H' '$I/site'
	done
	for name in meter data-meter; do
		[ ! -e "$I/$name.in" ] || pipeline $name '$M' '$I/meter'
	done
	[ ! -d "$SHARED/data" ] || foreign
	ask exact "ehr-redact -P \$H -S \$I/site --levels L,R \$I/ward.labelled"
	pipeline ward '$T/policies/notify' '$I/notify'
	readers
	authorization cases "$T/authz"
	[ ! -d "$SHARED/spec/authorization-cases" ] || authorization shared "$SHARED/spec/authorization-cases"
	policies
	keys
}

JOBS=${JOBS:-$(nproc)}
prepare
asks
[ $# -eq 2 ] || {
	grep -E -e "$3" "$WORK/asked" >"$WORK/some" || true
	mv "$WORK/some" "$WORK/asked"
}
for ((i = 0; i < JOBS; i++)); do
	helper answer "$WORK" "$OLD" "$NEW" "$i" "$JOBS" >"$WORK/said.$i" &
done
wait
grep -hv "^count: " "$WORK"/said.* || true
sed -n 's/^count: //p' "$WORK"/said.* | awk '{ commands += $1; answers += $2; differ += $3 }
	END { printf "same: %d commands, %d answers compared, %d commands are answered differently\n", commands, answers, differ
		exit differ > 0 || commands == 0 }'
