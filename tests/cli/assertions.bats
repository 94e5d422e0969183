# Who asks is proven: ehr-authz --assertions, ehr-keys assert.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/keys
load ../lib/trust

setup_file() {
	people
	ehr-keys signer --domain hospital idp.pem >idp.jwks
	ehr-keys signer --domain clinic clinic.pem >clinic.jwks
	jq -sc '{keys: map(.keys[])}' idp.jwks clinic.jwks >assertions.jwks
	# Nobody of these is in the register, so what is signed counts.
	grep -v '"user"' site/entities.ndjson >patients
	mv patients site/entities.ndjson
}

setup() {
	at_home idp.pem clinic.pem assertions.jwks sealed
	claims='{sub: "dr-lee", aud: "pdp", structural_role: "physician", purpose: "TREAT", acr: "loa3"}'
}

# token [CLAIMS [ARGS]]: a token of the hospital with these claims; CLAIMS is jq that changes the usual ones.
token() {
	local change=${1:-.}
	[ $# -eq 0 ] || shift
	jq -nc "$claims | $change" | ehr-keys assert --sign idp.pem --domain hospital --now "$NOW" "$@"
}

# asks TOKEN [MORE]: dr-lee's request to read p1 with it, and nothing else about her.
asks() {
	ask read ".subject.properties = {device: .subject.properties.device} | .context |= {time, route, assertion: \"$1\"} | ${2:-.}"
}

# decided STATUS ARGS...: answers the file request; out has the reason alone.
decided() {
	local want=$1
	shift
	ehr "$want" ehr-authz -P "$P" -S site --assertions assertions.jwks --audience pdp "$@" request
	cp out decision
	jq -r '.context.reason' decision >out
}

# is REASON: the request is answered so.
is() {
	decided 0
	same out <<<"$1"
	[ "$1" != permitted ] || return 0
	jq -c '[.decision, .context.layers, .context.obligations, .context.decided_by]' decision >out
	same out <<<'[false,[],[],"request"]'
}

# forged HEADER CLAIMS: a token that the hospital's key signs, whatever it says.
forged() {
	local text
	text=$(printf %s "$1" | basenc -w 0 --base64url | tr -d =).$(printf %s "$2" | basenc -w 0 --base64url | tr -d =)
	printf %s "$text" | openssl dgst -sha256 -sign idp.pem | openssl asn1parse -inform DER |
		sed -n 's/.*INTEGER *://p' | while read -r n; do printf '%064s' "$n" | tr ' ' 0; done | perl -ne 'print pack "H*", $1 while /([0-9a-fA-F]+)/g' | basenc -w 0 --base64url | tr -d = >signature
	printf '%s.%s' "$text" "$(cat signature)"
}

kid() {
	jq -r '.keys[0].kid' assertions.jwks
}

@test "what a token says is decided on, and ends in opened bytes" {
	asks "$(token)" >request
	is permitted
	[ "$(jq -r '.context.about | [.subject, .purpose[]] | join(" ")' decision)" = 'dr-lee TREAT' ]
	ehr 0 ehr-select -P "$P" -S site --decision decision --now "$NOW" sealed
	cp out selected
	ehr 0 ehr-open -S site --record selected
	[ "$(wc -l <out)" -eq 2 ]
}

@test "what the request only claims is missing" {
	asks "$(token 'del(.structural_role)')" '.subject.properties.structural_role = "physician"' >request
	decided 0
	[ "$(jq .decision decision)" = false ]
	asks "$(token 'del(.purpose)')" '.context.purpose = "TREAT"' >request
	decided 0
	[ "$(jq -c '[.decision, .context.about.purpose]' decision)" = '[false,null]' ]
	for claim in acr amr justification; do
		asks "$(token 'del(.acr)')" ".context.$claim = \"loa4\"" >request
		decided 0
		cp decision with
		asks "$(token 'del(.acr)')" >request
		decided 0
		cmp <(jq -c 'del(.context.request, .context.about.request)' with) <(jq -c 'del(.context.request, .context.about.request)' decision)
	done
	# The domain of the request says nothing, the issuer's counts.
	asks "$(token)" '.subject.properties.domain = "clinic"' >request
	is permitted
	# What the enforcement point knows itself still counts: the route caps her AL at 3.
	asks "$(token)" '.context.route = "elsewhere"' >request
	decided 0
	[ "$(jq .context.al decision)" -eq 3 ]
}

@test "without a token nobody is anybody" {
	ask read >request
	is assertion-missing
	ask read '.context.assertion = null' >request
	is assertion-malformed
	ask read 'del(.context)' >request
	is assertion-missing
	for token in '' x a.b a.b.c "$(token | cut -c 2-)"; do
		asks "$token" >request
		is assertion-malformed
	done
	for token in "$(token)." "$(token) " "$(token)A"; do
		asks "$token" >request
		is assertion-signature
	done
	ask read '.context.assertion = ["x"]' >request
	is assertion-malformed
}

@test "each part of a token that was changed is refused" {
	local good bad header
	good=$(token)
	header=$(printf '{"alg":"none","typ":"ehr-assertion+jwt","kid":"%s"}' "$(kid)" | basenc -w 0 --base64url | tr -d =)
	asks "$header.${good#*.}" >request
	is assertion-algorithm
	asks "$header.$(cut -d. -f2 <<<"$good")." >request
	is assertion-algorithm
	header=$(printf '{"alg":"HS256","typ":"ehr-assertion+jwt","kid":"%s"}' "$(kid)" | basenc -w 0 --base64url | tr -d =)
	asks "$header.${good#*.}" >request
	is assertion-algorithm
	bad=$(token '.structural_role = "pharmacist"')
	asks "${good%%.*}.$(cut -d. -f2 <<<"$bad").${good##*.}" >request
	is assertion-signature
	header=$(cut -d. -f1 <<<"$good" | unpadded | jq -cj '.crit = ["exp"]' | basenc -w 0 --base64url | tr -d =)
	asks "$header.${good#*.}" >request
	is assertion-algorithm
}

@test "another signer, another type, another domain's name" {
	ehr-keys signer --domain hospital other.pem >/dev/null
	asks "$(jq -nc "$claims" | ehr-keys assert --sign other.pem --domain hospital --now "$NOW")" >request
	is assertion-signer
	# The clinic's key says that its person is the hospital's.
	asks "$(jq -nc "$claims" | ehr-keys assert --sign clinic.pem --domain hospital --now "$NOW")" >request
	is assertion-signer
	for typ in JWT ehr-grant+jwt ehr-decision+jws; do
		asks "$(forged "{\"alg\":\"ES256\",\"typ\":\"$typ\",\"kid\":\"$(kid)\"}" '{"v":1}')" >request
		is assertion-type
	done
	asks "$(forged "{\"alg\":\"ES256\",\"typ\":\"ehr-assertion+jwt\",\"kid\":\"$(kid)\"}" '{"sub":"dr-lee","aud":"pdp"}')" >request
	is assertion-malformed
}

@test "the domain is the issuer's: a trusted one's people have the roles that were agreed, no more" {
	local clinic
	clinic=$(jq -nc "$claims" | ehr-keys assert --sign clinic.pem --domain clinic --now "$NOW")
	asks "$clinic" '.subject.properties.domain = "hospital"' >request
	# The fact names no domain, and may be about the hospital's dr-lee.
	decided 0
	[ "$(jq .decision decision)" = false ]
	sed -i 's/"dr-lee"/&,"domain":"clinic"/' site/facts.ndjson
	is permitted
	asks "$(jq -nc "$claims | .structural_role = \"pharmacist\"" | ehr-keys assert --sign clinic.pem --domain clinic --now "$NOW")" >request
	decided 0
	[ "$(jq .decision decision)" = false ]
	# The register knows a dr-lee of the hospital: the clinic's is another one.
	echo '{"type":"user","id":"dr-lee","properties":{"domain":"hospital","structural_role":"physician"}}' >>site/entities.ndjson
	asks "$clinic" >request
	is assertion-domain
	sed -i 's/,"domain":"clinic"//' site/facts.ndjson
	asks "$(token)" >request
	is permitted
}

@test "a key that is listed for two domains signs for both, in whatever order, and for no third" {
	local order
	for order in '["clinic", "hospital"]' '["hospital", "clinic"]'; do
		jq -c --argjson of "$order" '.keys[0] as $k | {keys: [$of[] as $d | $k + {domain: $d}]}' "$F/assertions.jwks" >assertions.jwks
		asks "$(token)" >request
		is permitted
		asks "$(jq -nc "$claims" | ehr-keys assert --sign idp.pem --domain clinic --now "$NOW")" >request
		decided 0
		same out <<<default-deny
		asks "$(jq -nc "$claims" | ehr-keys assert --sign idp.pem --domain elsewhere --now "$NOW")" >request
		is assertion-signer
	done
}

@test "a claim is the same however its name is written, and stands there once" {
	local header of='"v":1,"iss":"hospital","iat":1772442000,"exp":1772442300,"aud":"pdp","purpose":"TREAT","acr":"loa3"'
	header="{\"alg\":\"ES256\",\"typ\":\"ehr-assertion+jwt\",\"kid\":\"$(kid)\"}"
	asks "$(forged "$header" "{$of,\"\\u0073ub\":\"dr-lee\",\"structural_rol\\u0065\":\"physician\"}")" >request
	is permitted
	asks "$(forged "$header" "{$of,\"sub\":\"dr-lee\",\"structural_role\":\"physician\",\"cn\\u0066\":{\"jkt\":\"x\"}}")" >request
	is assertion-device
	asks "$(forged "$header" "{$of,\"sub\":\"dr-lee\",\"structural_role\":\"physician\",\"nb\\u0066\":1772443000}")" >request
	is assertion-time
	for twice in '"sub":"dr-bob",' '"\u0073ub":"dr-bob",' '"structural_role":"nurse",' '"structural_rol\u0065":"nurse",'; do
		asks "$(forged "$header" "{$of,$twice\"sub\":\"dr-lee\",\"structural_role\":\"physician\"}")" >request
		is assertion-malformed
	done
}

@test "the times of a token, by the request's time or --now" {
	asks "$(token)" '.context.time = "2026-03-02T09:05:59Z"' >request
	is permitted
	asks "$(token)" '.context.time = "2026-03-02T09:06:00Z"' >request
	is assertion-time
	asks "$(token)" '.context.time = "2026-03-02T08:58:59Z"' >request
	is assertion-time
	asks "$(token '.nbf = 1772442300')" >request
	is assertion-time
	asks "$(token '.nbf = 1772442300 | .exp = 1772445600')" '.context.time = "2026-03-02T09:05:00Z"' >request
	is permitted
	asks "$(token)" 'del(.context.time)' >request
	decided 0 --now "$NOW"
	same out <<<permitted
	decided 0 --now 2026-03-02T10:00:00Z
	same out <<<assertion-time
	is assertion-time
	asks "$(token)" '.context.time = "today"' >request
	is assertion-time
	asks "$(forged "{\"alg\":\"ES256\",\"typ\":\"ehr-assertion+jwt\",\"kid\":\"$(kid)\"}" '{"v":1,"iss":"hospital","iat":1772442000,"sub":"dr-lee","aud":"pdp"}')" >request
	is assertion-time
	asks "$(token '.' --ttl 1h)" '.context.time = "2026-03-02T09:59:00Z"' >request
	is permitted
}

@test "a token lives an hour at most, or as long as the policy says" {
	cp -r "$P" policy
	P=policy
	asks "$(token '.exp = 1772442000 + 3600')" '.context.time = "2026-03-02T09:59:59Z"' >request
	is permitted
	# However long it has been signed already: in ten years, and with a begin that is yet to come.
	for change in '.exp = 1772442000 + 3601' '.exp = 2087974800' '.exp = 9007199254740991' '.nbf = 1772442000 | .exp = 1772452800'; do
		asks "$(token "$change")" >request
		is assertion-life
		grep -q 'assertions.longest' decision
	done
	asks "$(token . --ttl 2h)" >request
	is assertion-life
	sed -i '$a assertions: {longest: 2h}' policy/authz/clearances.yaml
	is permitted
	asks "$(token '.exp = 1772442000 + 7201')" >request
	is assertion-life
	sed -i '$s/2h/5m/' policy/authz/clearances.yaml
	asks "$(token)" >request
	is permitted
	asks "$(token '.exp = 1772442000 + 301')" >request
	is assertion-life
	for longest in 0s -5m soon '[5m]' ''; do
		sed -i "\$s/{.*/{longest: $longest}/" policy/authz/clearances.yaml
		ehr 3 ehr-authz -P "$P" -S site --assertions assertions.jwks --audience pdp request
		has err "policy/authz/clearances.yaml:$(wc -l <policy/authz/clearances.yaml):"
	done
}

@test "for whom a token is" {
	asks "$(token '.aud = "elsewhere"')" >request
	is assertion-audience
	asks "$(token '.aud = ["elsewhere", "pdp"]')" >request
	is permitted
	for aud in '[]' '["elsewhere"]' '{"pdp":1}' 7 null '[["pdp"]]' '[{"a":"pdp"}]' '"pdp "' '"PDP"'; do
		asks "$(token ".aud = $aud")" >request
		is assertion-audience
	done
}

@test "about whom a token is" {
	asks "$(token '.sub = "dr-bob"')" >request
	is assertion-subject
	asks "$(token)" '.subject.id = "dr-bob"' >request
	is assertion-subject
	for sub in 7 '""' '["dr-lee"]' null; do
		asks "$(token ".sub = $sub")" >request
		is assertion-subject
	done
	asks "$(token)" '.subject.type = "device"' >request
	is assertion-subject
	asks "$(token '.sub_type = "device"')" >request
	is assertion-subject
	asks "$(token '.sub_type = "user"')" >request
	is permitted
}

@test "a token bound to a key counts from that device alone, one bound to none names no device" {
	local other
	other=$(printf '%s' "$JKT" | tr A-Za-z N-ZA-Mn-za-m)
	asks "$(token ".cnf = {jkt: \"$JKT\"}")" >request
	is permitted
	[ "$(jq -r .context.about.device decision)" = "$ID" ]
	asks "$(token ".cnf = {jkt: \"$JKT\"}")" ".subject.properties.device = \"$JKT\"" >request
	is permitted
	asks "$(token ".cnf = {jkt: \"$other\"}")" >request
	is assertion-device
	asks "$(token ".cnf = {jkt: \"$JKT\"}")" 'del(.subject.properties)' >request
	is assertion-device
	# An id is the first 22 characters of the thumbprint, each of them.
	for id in "d_${other:0:22}" "d_${JKT:0:21}-" "d_${JKT:0:2}${other:2:20}" "d_-${JKT:1:21}" "x_${JKT:0:22}" "${JKT:0:42}-" "-${JKT:1}"; do
		[ "$id" != "$ID" ] && [ "$id" != "$JKT" ] || continue
		asks "$(token ".cnf = {jkt: \"$JKT\"}")" ".subject.properties.device = \"$id\"" >request
		is assertion-device
	done
	for cnf in '{}' 'null' '"x"' "{x5t: \"$JKT\"}" "{jkt: [\"$JKT\"]}" '{jkt: ""}' "{jkt: \"${JKT:0:22}\"}"; do
		asks "$(token ".cnf = $cnf")" >request
		is assertion-device
	done
	asks "$(token)" >request
	is permitted
	[ "$(jq .context.about.device decision)" = null ]
}

@test "keys and grants go to the device that the token is bound to" {
	local bound
	bound=$(token ".cnf = {jkt: \"$JKT\"}")
	jq -n --arg assertion "$bound" '{route: "on-site", $assertion}' >context
	ehr 0 ehr-keys release --offline -S site --user dr-lee --device "$ID" --now "$NOW" --ask --context context
	cp out request
	is permitted
	line 0 "ehr-keys release --offline -S site --user dr-lee --device $ID --now $NOW --decision decision --context context | ehr-keys accept --keys tablet --now $NOW"
	ehr 0 ehr-open --key tablet --now "$NOW" --record <(jq -c 'select(.ehr.rl == "N")' sealed)
	[ "$(wc -l <out)" -eq 2 ]
	asks "$bound" '.action.name = "subscribe" | .context.supported_actions = ["level", "audit", "expire"]' >request
	is permitted
	ehr 0 ehr-keys grant -P "$P" -S site --now "$NOW" --decision decision
	asks "$(token)" '.action.name = "subscribe" | .context.supported_actions = ["level", "audit", "expire"]' >request
	is permitted
	ehr 7 ehr-keys grant -P "$P" -S site --now "$NOW" --decision decision
	has err 'names no device'
}

# given STATUS VERB TOKEN ARGS...: give or subscribe, where only assertions count.
given() {
	jq -n --arg assertion "$3" '{route: "on-site", purpose: "TREAT", acr: "loa3", structural_role: "physician"} + if $assertion == "" then {} else {$assertion} end' >context
	ehr "$1" ehr-keys "$2" -P "$P" -S site --user dr-lee --device "$ID" --context context --now "$NOW" \
		--assertions assertions.jwks --audience pdp "${@:4}"
}

@test "give and subscribe believe only who is proven, on the device that the token is bound to" {
	local bound
	bound=$(token ".cnf = {jkt: \"$JKT\"}")
	given 0 give "$bound"
	ehr-keys accept --keys tablet --now "$NOW" <out
	ehr 0 ehr-open --key tablet --now "$NOW" --record <(jq -c 'select(.ehr.rl == "N")' sealed)
	[ "$(wc -l <out)" -eq 2 ]
	echo '{"responder":"on-call-physician"}' >wish
	given 0 subscribe "$bound" --patient p1 wish
	[ "$(jq -r .party out)" = dr-lee ]
	# No token, one for another, of another, elsewhere, on another device, on none, over.
	own
	while read -r reason change; do
		given 7 give "$(token "$change")"
		has err "$reason"
		empty out
		given 7 subscribe "$(token "$change")" --patient p1 wish
		has err "$reason"
		[ ! -s site/grants.jwts ]
	done <<-END
		assertion-audience .cnf = {jkt: "$JKT"} | .aud = "elsewhere"
		assertion-subject .cnf = {jkt: "$JKT"} | .sub = "dr-bob"
		assertion-device .cnf = {jkt: "$(printf '%s' "$JKT" | tr A-Za-z N-ZA-Mn-za-m)"}
		assertion-time .cnf = {jkt: "$JKT"} | .exp = 1772441000
		device .
		organization .cnf = {jkt: "$JKT"} | del(.structural_role)
	END
	given 7 give ''
	has err assertion-missing
	given 7 subscribe '' --patient p1
	has err assertion-missing
	[ ! -s site/keys/issued.log ]
}

@test "a site that has assertions.jwks believes nobody without, whatever the command line says" {
	cp assertions.jwks site/
	given 0 give "$(token ".cnf = {jkt: \"$JKT\"}")"
	for verb in give 'subscribe --patient p1'; do
		# shellcheck disable=SC2086
		ehr 2 ehr-keys $verb -P "$P" -S site --user dr-lee --device "$ID" --context context --now "$NOW"
		has err '--audience NAME'
		# shellcheck disable=SC2086
		ehr 7 ehr-keys $verb -P "$P" -S site --user dr-lee --device "$ID" --now "$NOW" --audience pdp
		has err assertion-missing
	done
	ask read >request
	ehr 2 ehr-authz -P "$P" -S site request
	has err '--audience NAME'
	ehr 0 ehr-authz -P "$P" -S site --audience pdp request
	[ "$(jq -r .context.reason out)" = assertion-missing ]
	rm site/assertions.jwks
	ehr 2 ehr-keys give -P "$P" -S site --user dr-lee --device "$ID" --now "$NOW" --audience pdp
	has err '--assertions JWKS'
	ehr 4 ehr-keys give -P "$P" -S site --user dr-lee --device "$ID" --now "$NOW" --audience pdp --assertions nowhere
	jq -c 'del(.keys[0].domain)' "$F/assertions.jwks" >assertions.jwks
	given 6 give ''
	has err 'a key without domain could sign for any'
}

@test "--max-skew: the decider's time counts, and a request that is further from it is refused" {
	late() { decided 0 --now "$1" --max-skew "$2"; }
	asks "$(token)" >request
	late "$NOW" 0s
	same out <<<permitted
	late 2026-03-02T09:01:00Z 60s
	same out <<<permitted
	[ "$(jq -r '[.context.time, .context.about.time] | join(" ")' decision)" = "2026-03-02T09:01:00Z $NOW" ]
	for now in 2026-03-02T09:00:31Z 2026-03-02T08:59:29Z; do
		late $now 30s
		same out <<<time-skew
		[ "$(jq -c '[.decision, .context.layers, .context.decided_by]' decision)" = '[false,[],"request"]' ]
	done
	# An old token is not made young by an old time, nor a fact that is over.
	late 2026-03-02T10:00:00Z 2h
	same out <<<assertion-time
	asks "$(token)" '.context.time = "today"' >request
	late "$NOW" 2h
	same out <<<time-skew
	asks "$(token)" '.context.time = 7' >request
	late "$NOW" 2h
	same out <<<time-skew
	asks "$(token)" 'del(.context.time)' >request
	late "$NOW" 0s
	same out <<<permitted
	[ "$(jq .context.about.time decision)" = null ]
	ask read >one
	ask read '.context.time = "2026-03-02T08:00:00Z"' >two
	jq -sc '{evaluations: .}' one two >request
	ehr 0 ehr-authz -P "$P" -S site --now "$NOW" --max-skew 5m request
	[ "$(jq -c '[.evaluations[].context.reason] | last' out)" = '"time-skew"' ]
	ask read 'del(.action.name) | .context.time = "2026-03-02T08:00:00Z"' >request
	ehr 0 ehr-authz -P "$P" -S site --now "$NOW" --max-skew 5m --search action request
	[ "$(jq -c .results out)" = '[]' ]
	ehr 2 ehr-authz -P "$P" --max-skew 60s request
	has err '--now TIME'
	ehr 2 ehr-authz -P "$P" --now "$NOW" --max-skew 60 request
	has err 'not a duration'
}

@test "--max-skew: keys are released on a decision of the decider's time" {
	jq -n --arg assertion "$(token ".cnf = {jkt: \"$JKT\"}")" '{route: "on-site", $assertion}' >context
	ehr 0 ehr-keys release --offline -S site --user dr-lee --device "$ID" --now "$NOW" --ask --context context
	cp out request
	decided 0 --now 2026-03-02T09:00:30Z --max-skew 60s
	same out <<<permitted
	jq -c '.context.about.time = "2026-03-02T09:00:01Z"' decision >other
	ehr 7 ehr-keys release --offline -S site --user dr-lee --device "$ID" --now 2026-03-02T09:00:31Z --decision other --context context
	has err decision-mismatch
	line 0 "ehr-keys release --offline -S site --user dr-lee --device $ID --now 2026-03-02T09:00:31Z --decision decision --context context | ehr-keys accept --keys tablet --now 2026-03-02T09:00:31Z"
}

@test "a batch: each item has its own token" {
	asks "$(token)" >one
	asks "$(token '.aud = "x"')" >two
	ask read >three
	jq -sc '{evaluations: .}' one two three one >request
	decided 0
	[ "$(jq -c '[.evaluations[].context.reason]' decision)" = '["permitted","assertion-audience","assertion-missing","permitted"]' ]
}

@test "the asker of another domain is told nothing of why" {
	for request in "$(token '.aud = "x"')" "$(token '.structural_role = "nurse"')" x; do
		asks "$request" >request
		decided 0 --public
		jq -c 'del(.context.request, .context.about)' decision
	done | sort -u >kinds
	[ "$(wc -l <kinds)" -eq 1 ]
}

@test "keys of assertions that are none stop the program" {
	asks "$(token)" >request
	echo '{"keys":[]}' >assertions.jwks
	decided 6
	jq -c 'del(.keys[0].domain)' "$F/assertions.jwks" >assertions.jwks
	ehr 6 ehr-authz -P "$P" --assertions assertions.jwks --audience pdp request
	has err 'a key without domain could sign for any'
	ehr 4 ehr-authz -P "$P" --assertions nowhere --audience pdp request
	ehr 2 ehr-authz -P "$P" --assertions assertions.jwks request
	has err '--audience NAME'
	ehr 2 ehr-authz -P "$P" --audience pdp request
}

@test "ehr-keys assert signs claims that are some" {
	jq -nc "$claims" >c
	ehr 0 ehr-keys assert --sign idp.pem --domain hospital --now "$NOW" c
	[ "$(claims out)" = '{"v":1,"iss":"hospital","iat":1772442000,"sub":"dr-lee","aud":"pdp","structural_role":"physician","purpose":"TREAT","acr":"loa3","exp":1772442300}' ]
	for change in 'del(.sub)' 'del(.aud)' '.v = 1' '.iss = "x"' '.iat = 1' '[.]' '"x"'; do
		jq -nc "$claims | $change" >c
		ehr 5 ehr-keys assert --sign idp.pem --domain hospital c
		empty out
	done
	ehr 2 ehr-keys assert --sign idp.pem c
	ehr 2 ehr-keys assert --domain hospital c
	ehr 6 ehr-keys assert --sign nowhere --domain hospital c
	ehr 4 ehr-keys assert --sign idp.pem --domain hospital nowhere
}

@test "share/examples/assert: an OpenID Connect ID token becomes an assertion, to opened bytes" {
	local oidc=$EHR_ROOT/share/examples/assert/oidc.jq
	echo '{"iss":"https://idp.hospital.example","sub":"dr-lee","aud":"ehr","exp":1772442200,"iat":1772442000,"nonce":"n","acr":"urn:hospital:card","amr":["pin","hwk"],"groups":["doctors","chess"],"name":"Dr. Lee","structural_role":"nurse"}' >id-token
	jq -c --arg audience pdp --arg purpose TREAT --arg jkt "$JKT" -f "$oidc" id-token >claims
	same claims <<-END
		{"sub":"dr-lee","aud":"pdp","exp":1772442200,"purpose":"TREAT","structural_role":["physician"],"acr":"loa3","amr":["pin","hwk"],"cnf":{"jkt":"$JKT"}}
	END
	asks "$(ehr-keys assert --sign idp.pem --domain hospital --now "$NOW" claims)" >request
	is permitted
	ehr 0 ehr-select -P "$P" -S site --decision decision --now "$NOW" sealed
	cp out selected
	ehr 0 ehr-open -S site --record selected
	[ "$(wc -l <out)" -eq 2 ]
	# Groups and acr that nobody mapped, and a token without an end.
	jq -c '.groups = ["chess"] | .acr = "urn:x"' id-token | jq -c --arg audience pdp --arg purpose TREAT -f "$oidc" >claims
	same claims <<<'{"sub":"dr-lee","aud":"pdp","exp":1772442200,"purpose":"TREAT","amr":["pin","hwk"]}'
	ehr 5 jq -c --arg audience pdp --arg purpose TREAT -f "$oidc" <(jq 'del(.exp)' id-token)
}

@test "share/examples/assert: the attributes of an XSPA SAML assertion become an assertion of the other domain" {
	local xspa=$EHR_ROOT/share/examples/assert/xspa.jq
	cat >saml <<-'END'
		{"name_id":"dr-lee","not_on_or_after":"2026-03-02T09:04:00Z","authn_context":"urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI","attributes":{
		"urn:oasis:names:tc:xacml:2.0:subject:role":["112247003"],"urn:oasis:names:tc:xspa:1.0:subject:organization-id":["urn:oid:2.16.1"],
		"urn:oasis:names:tc:xspa:1.0:subject:purposeofuse":"TREATMENT","urn:oasis:names:tc:xspa:1.0:subject:hl7:permission":["PRD-006"]}}
	END
	jq -c --arg audience pdp -f "$xspa" saml >claims
	same claims <<-'END'
		{"sub":"dr-lee","aud":"pdp","exp":1772442240,"structural_role":["physician"],"permissions":["PRD-006"],"organization":["urn:oid:2.16.1"],"purpose":["TREAT"],"acr":"loa3"}
	END
	asks "$(ehr-keys assert --sign clinic.pem --domain clinic --now "$NOW" claims)" >request
	sed -i 's/"dr-lee"/&,"domain":"clinic"/' site/facts.ndjson
	is permitted
	jq -c '.attributes["urn:oasis:names:tc:xspa:1.0:subject:purposeofuse"] = ["LEGAL"] | .attributes["urn:oasis:names:tc:xacml:2.0:subject:role"] = ["307969004"]' saml >other
	jq -c --arg audience pdp -f "$xspa" other >claims
	[ "$(jq -c '[.purpose, .structural_role]' claims)" = '[null,null]' ]
	ehr 5 jq -c --arg audience pdp -f "$xspa" <(jq 'del(.not_on_or_after)' saml)
}

@test "a search is for the one who is proven, and finds nothing for others" {
	cat >>site/entities.ndjson <<-'END'
		{"type":"patient","id":"p2","properties":{"domain":"hospital","patient":"p2"}}
	END
	sed -i 's/"type":"patient","id":"p1","properties":{/&"domain":"hospital","patient":"p1",/' site/entities.ndjson
	asks "$(token)" 'del(.resource.id)' >request
	decided 0 --search resource
	[ "$(jq -c '[.results[].id]' decision)" = '["p1"]' ]
	asks "$(token)" 'del(.action.name)' >request
	decided 0 --search action
	[ "$(jq -c '[.results[].name] | index("read") != null' decision)" = true ]
	asks "$(token '.aud = "x"')" 'del(.resource.id)' >request
	decided 0 --search resource
	[ "$(jq -c '.results' decision)" = '[]' ]
	ask read 'del(.action.name) | .subject.properties.structural_role = "physician"' >request
	decided 0 --search action
	[ "$(jq -c '.results' decision)" = '[]' ]
	ehr 2 ehr-authz -P "$P" -S site --assertions assertions.jwks --audience pdp --search subject request
	has err '--search subject'
}

@test "an administrator asks why: --explain and --only go with assertions" {
	asks "$(token '.aud = "x"')" >request
	decided 0 --explain
	same out <<<assertion-audience
	asks "$(token)" >request
	decided 0 --explain
	same out <<<permitted
}

@test "a fact about a person of one domain is not believed of the person with her id in another" {
	local fact='{"fact":"f-1","relation":"treating","subject":"dr-lee","patient":"p1","from":"2026-01-01T00:00:00Z","until":"2027-01-01T00:00:00Z"MORE}'
	mkdir -p A/authz
	cp "$EHR_ROOT/testdata/authz/policy.yaml" A/
	printf '%s\n' 'ehr_authz: 1' 'structural_roles: [physician]' 'relations: {treating: {object: patient}, relative: {object: patient}}' 'acr: [loa3]' >A/authz/roles.yaml
	cat >A/authz/organization.yaml <<-'END'
		ehr_authz: 1
		domain: hospital
		layer: organization
		trusts: [{domain: clinic, outbound: elsewhere, structural_role: [physician]}]
		default: deny
		no_consent: permit
		rules:
		  - {id: B-1, say: Who treats the patient reads., effect: permit, who: {relation: treating}, does: [read], why: [TREAT]}
	END
	sed '/B-1/d' A/authz/organization.yaml >relatives.yaml
	cat >>relatives.yaml <<-'END'
		  - {id: B-1, say: Physicians read., effect: permit, who: {structural_role: physician}, does: [read], why: [TREAT]}
		  - {id: B-2, say: Nobody looks at relatives., effect: deny, who: {relation: relative}, does: [read]}
	END
	P=A
	local lee other
	lee=$(token)
	other=$(jq -nc "$claims" | ehr-keys assert --sign clinic.pem --domain clinic --now "$NOW")
	echo '{"type":"patient","id":"p1","properties":{"pseudonym":"s_x"}}' >site/entities.ndjson
	tried() {
		asks "$1" "${3:-.}" >request
		echo "${fact/MORE/$2}" >site/facts.ndjson
		decided 0
		jq -c '[.decision, .context.reason, (.context.layers[] | select(.layer == "organization") | .near_miss, .unknown)]' decision >out
	}
	tried "$lee" ''
	same out <<<'[true,"permitted",null,null]'
	# The clinic's dr-lee may be another: nobody knows, so it neither helps her nor spares her.
	tried "$other" ''
	same out <<<'[false,"default-deny",[{"rule":"B-1","missing":["subject.domain"]}],null]'
	tried "$other" ',"domain":"clinic"'
	same out <<<'[true,"permitted",null,null]'
	tried "$other" ',"domain":"hospital"'
	same out <<<'[false,"default-deny",null,null]'
	tried "$lee" ',"domain":"clinic"'
	same out <<<'[false,"default-deny",null,null]'
	tried "$lee" ',"domain":"hospital"'
	same out <<<'[true,"permitted",null,null]'
	# The register may know her.
	echo '{"type":"user","id":"dr-lee","properties":{"domain":"clinic"}}' >>site/entities.ndjson
	tried "$other" ''
	same out <<<'[true,"permitted",null,null]'
	tried "$lee" ''
	same out <<<'[false,"assertion-domain"]'
	sed -i 2d site/entities.ndjson
	# A deny for relatives waits for nobody's word.
	cp relatives.yaml A/authz/organization.yaml
	fact=${fact/treating/relative}
	tried "$lee" ''
	same out <<<'[false,"deny-rule",null,null]'
	tried "$other" ''
	same out <<<'[false,"missing-attribute",null,[{"rule":"B-2","missing":["subject.domain"]}]]'
	tried "$other" ',"domain":"hospital"'
	same out <<<'[true,"permitted",null,null]'
	echo "${fact/MORE/,\"domain\":7}" >site/facts.ndjson
	ehr 3 ehr-authz -P "$P" -S site --assertions assertions.jwks --audience pdp request
	has err 'site/facts.ndjson:1:'
}
