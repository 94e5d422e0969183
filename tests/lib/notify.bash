# shellcheck shell=bash
# For the tests of ehr-notify: a site in $F/site, grants by hand-made decisions, and sealed lines without ciphertext, as an
# archive of tags has them; ehr-notify reads no more of a line.
#
#	told [POLICY]                                       the site, for all tests of a file
#	granted PERSON AL ROLE                              a grant for $SUBJECT, in $F/PERSON.grant and in the site
#	subscribed PERSON CLASS [MORE [ID]]                 its subscription as a line; MORE as ,"name":value
#	sealed ID SEQ LEVEL:AL:CRITICALITY[:empty] ...      the versions of a record, lowest first
#	notify STATUS [option ...]
#
# $SUBJECT, $DOMAIN (hospital) and $MORE (further tags, as ,"name":value) are put into each sealed line.

told() {
	export LC_ALL=C TZ=UTC PATH="$EHR_BIN:$PATH" F="$BATS_FILE_TMPDIR" P="${1:-$EHR_ROOT/policies/hospital}"
	export now=2026-11-01T19:30:00Z SUBJECT=s_AAAAAAAAAAAAAAAAAAAAAA DOMAIN=${DOMAIN:-hospital}
	cd "$F" || return 1
	ehr-keys make -P "$P" -S site >made
}

granted() {
	local id
	ehr-keys make --kind reader --keys "$F/device.$1" --authority "$F/site/authority.jwks" --now "$now" >"$F/enrol" || return
	ehr-keys list --self --keys "$F/device.$1" >"$F/self" || return
	id=$(jq -r .id "$F/self")
	ehr-keys enrol -S "$F/site" --expect "$(jq -r .sig.jkt "$F/self")" --al-cap 99 --now "$now" "$F/enrol" >/dev/null || return
	printf '{"decision":true,"context":{"id":"d","request":"sha256:%064d","about":{"subject":"%s","action":"subscribe","resource":{"type":"patient","id":"a"},"patient":"a","pseudonym":"%s","purpose":["TREAT"],"roles":["%s"],"device":"%s"},"decided_by":"organization","reason":"permitted","al":%s,"rl":"N","obligations":[],"time":"%s","policy":"sha256:%064d"}}\n' \
		"$(wc -l <"$F/site/grants.jwts" 2>/dev/null || echo 0)" "$1" "$SUBJECT" "$3" "$id" "$2" "$now" 1 >"$F/decision"
	ehr-keys grant -P "$P" -S "$F/site" --decision "$F/decision" --now "$now" >"$F/$1.grant"
}

granted_claim() {
	cut -d. -f2 "$F/$1.grant" | tr '_-' '/+' | jq -Rr '. + "==="[(length + 3) % 4:] | @base64d | fromjson | .'"$2"
}

subscribed() {
	local select=",\"select\":{\"subjects\":[\"$SUBJECT\"]}"
	[[ ${3:-} != *'"fhir"'* && ${3:-} != *'"select"'* ]] || select=''
	printf '{"id":"%s","party":"%s","grant":"%s","responder":"%s","purpose":"TREAT"%s%s}\n' \
		"${4:-$1}" "$1" "$(granted_claim "$1" jti)" "$2" "$select" "${3:-}"
}

sealed() {
	local id=$1 seq=$2 n=0 of=$(($# - 2)) version level al criticality empty ehr protected
	shift 2
	for version; do
		IFS=: read -r level al criticality empty <<<"$version"
		n=$((n + 1))
		ehr=$(printf '{"v":1,"stage":"sealed","id":"%s","subject":"%s","rl":"%s","al":%s,"n":%s,"of":%s,"criticality":"%s","domain":"%s","epoch":1,"batch":"b_AAAAAAAAAAAAAAAAAAAAAA","seq":%s,"policy":"sha256:%064d"%s%s}' \
			"$id" "$SUBJECT" "$level" "$al" "$n" "$of" "$criticality" "$DOMAIN" "$((seq + n - 1))" 0 \
			"${empty:+,\"empty\":true}" "${MORE:-}")
		protected=$(printf '{"alg":"A256KW","enc":"A256GCM","typ":"ehr-sealed","cty":"json","kid":"%s/%s/1/AAAAAAAA","ehr":%s}' \
			"$DOMAIN" "$level" "$ehr" | basenc --base64url -w0 | tr -d =)
		printf '{"ehr":%s,"protected":"%s"}\n' "$ehr" "$protected"
	done
}

# The id of a record, by one letter.
record() { printf 'r_%021dA' 0 | tr 0 "$1"; }

notify() {
	local status=$1
	shift
	ehr "$status" ehr-notify -P "$P" -S "$F/site" --now "$now" "$@"
}
