load ../lib/ehr

# A node above a level must not change a byte of that level's version, tags included: not by its value (P1), and where
# presence is hidden not by being there (P2).  disturb.pl makes the other records.
disturb() {
	perl "$EHR_ROOT/tests/property/disturb.pl" "$@"
}

policies() {
	cp -r "$EHR_ROOT/policies/hospital" hidden
	cp "$EHR_ROOT/testdata/policies/hidden.yaml" hidden/redact.yaml
	cp -r "$EHR_ROOT/policies/hospital" "$EHR_ROOT/policies/meter" .
	printf 'visible_change: {keep: 90d, max: 1000}\n' | tee -a hidden/notify.yaml >>hospital/notify.yaml
	local policy
	for policy in hidden hospital meter; do
		ehr-keys make -P $policy -S $policy.site >/dev/null
	done
	perl "$EHR_ROOT/testdata/canary/make.pl" "$EHR_ROOT/testdata/canary/places.ndjson"
	"$EHR_GENERATE" 7 60000 >generated
	cat records.ndjson "$EHR_ROOT/testdata/ward/upload.ndjson" generated >hospital.in
	cp hospital.in hidden.in
	cp "$EHR_ROOT/testdata/meter/readings.ndjson" meter.in
	if [ -d "${EHR_DATA:-$EHR_ROOT/../shared/data}" ]; then
		find "${EHR_DATA:-$EHR_ROOT/../shared/data}" -name '*.ndjson' -path '*/fhir-r4-examples/*' | sort |
			xargs grep -ah '^{' | awk 'length < 10000 && NR % 9 == 0' >>hidden.in
	fi
}

# Records labelled, and their versions of one level: labels POLICY IN OUT; versions POLICY LEVEL LABELLED OUT
# With FHIR=--fhir-labels both write security labels.
labels() {
	ehr-classify -P "$1" $FHIR "$2" 2>/dev/null >"$3"
}

versions() {
	ehr-redact -P "$1" -S "$1.site" $FHIR --levels "$2" "$3" >"$4"
}

alike() {
	cmp -s before after && return 0
	printf 'version %s of %s changed:\n' "$2" "$1" >&2
	diff before after | cut -c 1-2000 | head -n 4 >&2
	return 1
}

# Nodes that disturb.pl leaves alone: those that the policy releases in part (the year of a birth date, a device's model as
# a mask, a reading's month, day and hour), and where presence is shown the ids that references lead to.
released() {
	case $1 in
	meter) RELEASED='^/(start|value|meterId|(gas_)?unique_id)$' LADDER='open network supplier household' "${@:2}" ;;
	hospital) RELEASED='(birthDate|modelNumber)$' KEEP_IDS=1 "${@:2}" ;;
	*) "${@:2}" ;;
	esac
}

SEEDS='1 2'

# Other values above the level of each POLICY:LEVEL
values() {
	policies
	local one policy level seed
	for one in "$@"; do
		policy=${one%:*} level=${one#*:}
		[ -s $policy.labelled ] || labels $policy $policy.in $policy.labelled
		versions $policy "$level" $policy.labelled before
		[ -s before ]
		for seed in $SEEDS; do
			released $policy perl "$EHR_ROOT/tests/property/disturb.pl" values "$level" $seed <$policy.labelled >other
			! cmp -s $policy.labelled other || return 1
			versions $policy "$level" other after
			alike $policy "$level"
		done
	done
}

@test "P1: other values above a level leave that level's version as it is, byte for byte" {
	values hidden:U hidden:L hidden:N hidden:R hospital:L hospital:N hospital:R meter:open meter:network meter:supplier
}

@test "P1 with security labels of FHIR in the records and versions" {
	FHIR=--fhir-labels SEEDS=1 values hidden:U hidden:L hidden:N hidden:R hospital:L hospital:N hospital:R
}

# More entries above a level.
entries() {
	policies
	local one policy level seed
	# A record without id is named by its digest, which changes with the record.
	for policy in hidden hospital; do
		grep -v '"id":"_/~' $policy.in | grep '"id":' >$policy.named
		labels $policy $policy.named $policy.labelled
	done
	for seed in $SEEDS; do
		for one in hidden:U hidden:L hidden:N hidden:R hospital:L; do
			policy=${one%:*} level=${one#*:}
			if [ "$level" = U ] || [ $policy = hospital ]; then
				disturb entries V $seed <$policy.named >added
				labels $policy added added.labelled
				[ "$(grep -c '"level":"V"' added.labelled)" -gt "$(grep -c '"level":"V"' $policy.labelled)" ]
			fi
			versions $policy "$level" $policy.labelled before
			versions $policy "$level" added.labelled after
			sed -i '/"id":"[^"]*\/~/d' before after
			[ -s before ]
			alike $policy "$level"
		done
	done
}

@test "P2: entries above a level leave that level's version as it is where presence is hidden" {
	entries
}

@test "P2 with security labels of FHIR in the records and versions" {
	FHIR=--fhir-labels SEEDS=1 entries
}

secret='"extension":[{"url":"http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label","valueCoding":{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"V"}}]'

# The criticality of version N, of an Observation with these members.
urgency() {
	printf '{"resourceType":"Observation","id":"o","method":{"coding":[{"code":"x"}]},%s}\n' "$1" | ehr-classify -P hospital 2>/dev/null |
		ehr-redact -P hospital -S hospital.site --levels N | jq -r .ehr.criticality
}

@test "an urgency above a level neither shows there nor takes the place of a lesser one that does" {
	policies
	[ "$(urgency '"interpretation":[{"coding":[{"code":"A"}]}]')" = low ]
	[ "$(urgency "\"interpretation\":[{$secret,\"coding\":[{\"code\":\"HH\"}]}]")" = routine ]
	[ "$(urgency "\"interpretation\":[{\"coding\":[{\"code\":\"A\"}]},{$secret,\"coding\":[{\"code\":\"HH\"}]}]")" = low ]
	[ "$(urgency "\"interpretation\":[{$secret,\"coding\":[{\"code\":\"HH\"}]},{\"coding\":[{\"code\":\"A\"}]}]")" = low ]
	[ "$(urgency "\"interpretation\":[{\"coding\":[{\"code\":\"A\"},{$secret,\"code\":\"HH\"}]}]")" = low ]
	# The urgency counts at the level of the nodes that it was read from.
	local glucose='"code":{"coding":[{"system":"http://loinc.org","code":"2339-0"}]}'
	[ "$(urgency "$glucose,\"valueQuantity\":{\"value\":50,\"unit\":\"mg/dL\"}")" = high ]
	[ "$(urgency "$glucose,\"valueQuantity\":{\"value\":50,\"unit\":\"mg/dL\",\"odd\":{$secret,\"id\":\"x\"}}")" = high ]
	[ "$(urgency "$glucose,\"valueQuantity\":{\"value\":50,\"_value\":{$secret},\"unit\":\"mg/dL\"}")" = routine ]
	[ "$(urgency "$glucose,\"component\":[{$secret,\"code\":{\"text\":\"x\"}}]")" = medium ]
}
