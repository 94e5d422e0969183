load ../lib/ehr

# A policy of a few lines, and lines whose labels are written by hand: what is withheld is decided by them.
# labels AT LEVEL ...: labels of one place and level each, the root's first.
policy() {
	mkdir -p p
	printf '%s\n' 'policy: 1' 'name: trial' 'serial: 2026-11-01' \
		'levels: [{name: L, al: 1}, {name: N, al: 3}, {name: R, al: 4}, {name: V, al: 5}]' \
		'code_system: http://terminology.hl7.org/CodeSystem/v3-Confidentiality' \
		'record: {type: .resourceType, id: .id, subject: [.subject], subject_type: Patient, time: [.date], roots: fhir}' \
		>p/policy.yaml
	printf 'classify: 1\ncriticality: {order: [routine, low, high], default: routine}\n' >p/classify.yaml
	printf 'seal: 1\ndomain: trial\npadding: none\n' >p/seal.yaml
	cat >p/redact.yaml
}

# What makes ehr-redact write marks.
read_marks() {
	printf 'notify: 1\nvisible_change: {keep: 90d, max: 1000}\n' >p/notify.yaml
}

line_of() {
	local record=$1 labels='' rule=base at level
	shift
	while [ $# -gt 0 ]; do
		at=$1 level=$2
		labels="$labels${labels:+,}{\"at\":\"$at\",\"level\":\"$level\",\"rule\":\"$rule\"}"
		rule=r
		shift 2
	done
	printf '{"ehr":{"v":1,"stage":"labelled","id":"Observation/o1","subject":"Patient/p1","level":"N",'
	printf '"criticality":"routine","policy":"sha256:%064d"},"labels":[%s],"record":%s}\n' 0 "$labels" "$record"
}

redact() {
	ehr 0 ehr-redact -P p --other-policy accept "$@"
	empty err
	# without the tags, which one test below compares
	sed -E 's/^\{"ehr":\{.*"rl":"(.)".*\},"record":/\1 /; s/\}$//' out >records
}

shown() {
	policy <<'END'
redact: 1
presence: shown
versions:
  - {rl: N}
  - {rl: R}
  - {rl: V}
END
}

hidden() {
	shown
	sed -i '/^presence/d' p/redact.yaml
}

@test "one line becomes a version for each level, lowest first, with tags of its own" {
	shown
	line_of '{"resourceType":"X", "a": 7.40,"b":{"c":1e0}}' '' N /b R >in
	ehr 0 ehr-redact --policy p --other-policy accept in
	digest=$(sed -E 's/.*"policy":"([^"]*)".*/\1/;q' out)
	same out <<END
{"ehr":{"v":1,"stage":"version","id":"Observation/o1","subject":"Patient/p1","rl":"N","al":3,"n":1,"of":3,"criticality":"routine","policy":"$digest"},"record":{"resourceType":"X", "a": 7.40}}
{"ehr":{"v":1,"stage":"version","id":"Observation/o1","subject":"Patient/p1","rl":"R","al":4,"n":2,"of":3,"criticality":"routine","policy":"$digest"},"record":{"resourceType":"X", "a": 7.40,"b":{"c":1e0}}}
{"ehr":{"v":1,"stage":"version","id":"Observation/o1","subject":"Patient/p1","rl":"V","al":5,"n":3,"of":3,"criticality":"routine","policy":"$digest"},"record":{"resourceType":"X", "a": 7.40,"b":{"c":1e0}}}
END
	[[ $digest =~ ^sha256:[0-9a-f]{64}$ ]]
}

@test "a line of another policy is refused unless that is accepted" {
	shown
	line_of '{"a":1}' '' N >in
	ehr 5 ehr-redact -P p in
	empty out
	same err <<<'ehr-redact: in:1: other-policy: made under another policy at byte 8'
	ehr 2 ehr-redact -P p --other-policy refuse in
}

@test "what is not redacted leaves byte for byte: numbers, escapes, order, white space" {
	shown
	record='{ "b" : 12345678901234567890 ,	"a":[1.0, 1.1E+2 ,-0.0],"e\u0301\/":"\ud83d\ude00 \/", "c" : { } }'
	line_of "$record" '' N >in
	redact in
	printf 'N %s\nR %s\nV %s\n' "$record" "$record" "$record" | same records
}

@test "a removed member takes its comma along, first, middle or last" {
	shown
	{
		line_of '{ "a" : 1 , "b":2, "c":3 }' '' N /a R
		line_of '{ "a" : 1 , "b":2, "c":3 }' '' N /b R
		line_of '{ "a" : 1 , "b":2, "c":3 }' '' N /c R
		line_of '{"x":[ 1, 2 ,3],"y":[[1],[2]],"z":[{"q":1}]}' '' N /x/0 R /y/0/0 R /z/0/q R
	} >in
	redact --levels N in
	same records <<'END'
N { "b":2, "c":3 }
N { "a" : 1, "c":3 }
N { "a" : 1 , "b":2 }
N {"x":[ 2 ,3],"y":[[2]]}
END
}

@test "narrative goes where a reader must not see that something is missing" {
	hidden
	line_of '{"text":{"status":"generated","div":"<div>all of it</div>"},"k":1}' '' N >in
	redact in
	same records <<'END'
N {"k":1}
R {"k":1}
V {"text":{"status":"generated","div":"<div>all of it</div>"},"k":1}
END
}

@test "summaries go where a reader must not see that something is missing, but for what a code says" {
	hidden
	printf 'summaries: {"*": [note, text, ".at.once"], CareTeam: [.name, word], Patient: []}\n' >>p/classify.yaml
	line_of '{"resourceType":"CareTeam","note":[{"x":1}],"name":"a","word":"b","in":{"note":"c","name":"d","word":"e"},"at":{"once":1},"k":1}' '' N >in
	line_of '{"resourceType":"Flag","name":"a","word":"b","in":{"note":"c","name":"d","word":"e"},"at":{"once":1},"k":1}' '' N >>in
	line_of '{"resourceType":"Patient","note":"c","text":{"div":"d"},"name":[{"text":"e"}],"k":1}' '' N >>in
	redact --levels N in
	same records <<'END'
N {"resourceType":"CareTeam","in":{"name":"d"},"k":1}
N {"resourceType":"Flag","name":"a","word":"b","in":{"name":"d","word":"e"},"k":1}
N {"resourceType":"Patient","note":"c","name":[{"text":"e"}],"k":1}
END
	line_of '{"resourceType":"Flag","a":{"text":"b","coding":[{"code":"c"}]},"note":{"text":"d","coding":{"code":"e"}},"f":{"coding":[{"display":"g"},{"code":""}],"text":"h"},"i":{"coding":[{"code":"j"}],"text":"k"}}' \
		'' N /i/coding/0/code R >in
	redact --levels N,R in
	same records <<'END'
N {"resourceType":"Flag","a":{"text":"b","coding":[{"code":"c"}]},"note":{"text":"d","coding":{"code":"e"}},"f":{"coding":[{"code":""}]}}
R {"resourceType":"Flag","a":{"text":"b","coding":[{"code":"c"}]},"note":{"text":"d","coding":{"code":"e"}},"f":{"coding":[{"code":""}]},"i":{"coding":[{"code":"j"}],"text":"k"}}
END
	sed -i 's/^redact: 1/&\npresence: shown/' p/redact.yaml
	redact --levels R in
	same records <<'END'
R {"resourceType":"Flag","a":{"text":"b","coding":[{"code":"c"}]},"note":{"text":"d","coding":{"code":"e"}},"f":{"coding":[{"display":"g"},{"code":""}],"text":"h"},"i":{"coding":[{"code":"j"}],"text":"k"}}
END
	sed -i 's/^summaries:.*/summaries: {"*": note}/; s/^presence.*//' p/classify.yaml p/redact.yaml
	ehr 3 ehr-redact -P p in
	has err 'p/classify.yaml:3:18: expected a list of names and paths'
}

@test "the narratives of sections go like that of their record" {
	hidden
	line_of '{"resourceType":"Composition","section":[{"title":"t","text":{"div":"d"},"section":[{"text":{"div":"e"},"k":1}]}]}' '' N >in
	redact --levels N in
	same records <<<'N {"resourceType":"Composition","section":[{"title":"t","section":[{"k":1}]}]}'
	policy <<'END'
redact: 1
presence: shown
versions:
  - {rl: N, transforms: [{id: k, say: Masked., at: .k, do: mask}]}
  - {rl: V}
END
	line_of '{"resourceType":"Composition","k":"v","section":[{"title":"t","text":{"div":"d"}}]}' '' N >in
	redact --levels N in
	same records <<<'N {"resourceType":"Composition","k":"***","section":[{"title":"t"}]}'
}

@test "narrative goes with its label where presence is shown, and where a transform changes something" {
	shown
	line_of '{"text":{"div":"d"},"k":"v","x":1}' '' N /text R /x R >in
	redact --levels N in
	same records <<<'N {"k":"v"}'
	policy <<'END'
redact: 1
presence: shown
versions:
  - {rl: N, transforms: [{id: k, say: Masked., at: .k, do: mask}]}
  - {rl: V}
END
	line_of '{"text":{"div":"d"},"k":"v"}' '' N >in
	redact in
	same records <<'END'
N {"k":"***"}
V {"text":{"div":"d"},"k":"v"}
END
}

@test "_x belongs to x, element by element, whichever of the two is labelled or stands first" {
	shown
	{
		line_of '{"k":1,"birthDate":"1970-01-01","_birthDate":{"id":"t"}}' '' N /birthDate R
		line_of '{"_birthDate":{"id":"t"},"birthDate":"1970-01-01","k":1}' '' N /_birthDate R
		line_of '{"given":["a","b","c"],"_given":[null,{"id":"t"},{"id":"u"}]}' '' N /given/1 R
		line_of '{"given":["a","b","c"],"_given":[null,{"id":"t"},{"id":"u"}]}' '' N /_given/1 R
	} >in
	redact --levels N in
	same records <<'END'
N {"k":1}
N {"k":1}
N {"given":["a","c"],"_given":[null,{"id":"u"}]}
N {"given":["a","c"],"_given":[null,{"id":"u"}]}
END
}

@test "contained resources that go take the references to them along" {
	shown
	contained='"contained":[{"resourceType":"Medication","id":"m1","code":{"text":"t"}},{"resourceType":"Group","id":"g","x":1}]'
	line_of "{$contained,\"medicationReference\":{\"reference\":\"#m1\",\"display\":\"drug\"},\"subject\":{\"reference\":\"#g\"}}" \
		'' N /contained/0 R >in
	redact --levels N in
	same records <<<'N {"contained":[{"resourceType":"Group","id":"g","x":1}],"subject":{"reference":"#g"}}'
	# nothing but type and id would be left: gone as well
	line_of "{\"k\":1,$contained,\"medicationReference\":{\"reference\":\"#m1\"}}" '' N /contained/0/code R /contained/1 R >in
	redact --levels N in
	same records <<<'N {"k":1}'
}

@test "a kept Bundle loses entries without a trace: total, link and signature in any case" {
	hidden
	entry='{"fullUrl":"urn:uuid:1","resource":{"resourceType":"X","id":"1","k":1},"search":{"mode":"match"}}'
	other='{"fullUrl":"urn:uuid:2","resource":{"resourceType":"Y","id":"2","k":1,"r":{"reference":"urn:uuid:1"},"s":{"reference":"X/1"}}}'
	{
		line_of "{\"resourceType\":\"Bundle\",\"total\":2,\"link\":[{\"url\":\"u\"}],\"entry\":[$entry,$other],\"signature\":{\"a\":1}}" '' N /entry/0/resource R
		line_of "{\"resourceType\":\"Bundle\",\"total\":1,\"entry\":[$other]}" '' N
	} >in
	redact --levels N in
	other='{"fullUrl":"urn:uuid:2","resource":{"resourceType":"Y","id":"2","k":1}}'
	printf 'N {"resourceType":"Bundle","entry":[%s]}\n' "$other" >want
	head -n 1 records | cmp - want
	# what leads nowhere in this Bundle may be a link to another: it stays where no entry is gone
	tail -n 1 records | grep -qF '"s":{"reference":"X/1"}'
}

@test "security labels go, in meta and inline, but handling instructions stay" {
	hidden
	hiv='{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"HIV"}'
	high='{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}'
	test='{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"HTEST"}'
	inline='{"url":"http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label","valueCoding":'$hiv'}'
	line_of "{\"meta\":{\"security\":[$hiv,$high,$test]},\"k\":1,\"c\":{\"extension\":[$inline],\"d\":1}}" '' N >in
	redact --levels N,V in
	printf 'N {"meta":{"security":[%s]},"k":1,"c":{"d":1}}\nV %s\n' "$test" \
		"{\"meta\":{\"security\":[$hiv,$high,$test]},\"k\":1,\"c\":{\"extension\":[$inline],\"d\":1}}" | same records
	# shown: they stay where nothing is withheld
	shown
	line_of "{\"meta\":{\"security\":[$hiv]},\"k\":1}" '' N >in
	line_of "{\"meta\":{\"security\":[$hiv]},\"k\":1,\"x\":1}" '' N /x R >>in
	redact --levels N in
	printf 'N {"meta":{"security":[%s]},"k":1}\nN {"k":1}\n' "$hiv" | same records
}

@test "what identifies an attachment's data has its level" {
	shown
	line_of '{"k":1,"content":{"contentType":"a/b","url":"u","hash":"h","size":3,"title":"t","data":"QUJD"}}' '' N /content/data R >in
	redact --levels N in
	same records <<<'N {"k":1,"content":{"contentType":"a/b"}}'
}

@test "an allow-list keeps what it names and nothing that repeats or names somebody" {
	policy <<'END'
redact: 1
versions:
  - rl: L
    presence: shown
    types: [Observation]
    extensions: [http://e/listed]
    withheld: stub
    keep: {"*": [.resourceType], Observation: [.code, .identifier, .other.identifier.value]}
  - {rl: V}
END
	{
		line_of '{"resourceType":"Observation","note":"x","text":{"div":"d"},"code":{"id":"e","text":"t","_a":{"id":"1"},"coding":[{"code":"c","display":"d","extension":[{"url":"http://e/other"},{"url":"http://e/listed","valueCode":"v"}]}],"contained":[1]},"identifier":[{"system":"s","value":"v"}],"other":{"identifier":{"system":"s","value":"v"}}}' '' L
		line_of '{"resourceType":"Patient","code":1}' '' L
		line_of '{"resourceType":"Observation","note":1}' '' L
	} >in
	redact --levels L in
	same records <<'END'
L {"resourceType":"Observation","code":{"coding":[{"code":"c","extension":[{"url":"http://e/listed","valueCode":"v"}]}]},"identifier":[{"system":"s"}],"other":{"identifier":{"value":"v"}}}
L {}
L {}
END
}

@test "a version is missing only at the bottom, and counts what is written" {
	shown
	line_of '{"resourceType":"X","id":"1","k":1}' '' N /k R >in
	ehr 0 ehr-redact -P p --other-policy accept in
	[ "$(jq -r '"\(.ehr.rl) \(.ehr.n)/\(.ehr.of)"' out | tr '\n' ' ')" = 'R 1/2 V 2/2 ' ]
	line_of '{"k":1}' '' N >in
	ehr 0 ehr-redact -P p --other-policy accept --levels N,V -v in
	[ "$(jq -r '"\(.ehr.rl) \(.ehr.n)/\(.ehr.of)"' out | tr '\n' ' ')" = 'N 1/2 V 2/2 ' ]
	has err '1 read, 2 written, 0 refused, 0 withheld'
}

@test "use case, alternative flow 3: a version's criticality is what its readers may know" {
	shown
	printf '%s\n' '{"ehr":{"v":1,"stage":"labelled","id":"a","level":"R","criticality":"high","policy":"sha256:0"},"labels":[{"at":"","level":"N","rule":"base"},{"at":"/x","level":"R","rule":"r"},{"at":"/x","level":"R","criticality":"high","rule":"c"},{"at":"/k","level":"N","criticality":"low","rule":"d"}],"record":{"k":1,"x":1}}' >in
	ehr 0 ehr-redact -P p --other-policy accept in
	[ "$(jq -r .ehr.criticality out | tr '\n' ' ')" = 'low high high ' ]
}

@test "categories that a version leaves out are not in it, nor what lies below them" {
	policy <<'END'
redact: 1
presence: shown
versions:
  - {rl: N}
  - {rl: R, without: [SPI], view: r1}
  - {rl: V}
END
	printf '%s\n' '{"ehr":{"v":1,"stage":"labelled","id":"a","level":"N","criticality":"low","policy":"sha256:0"},"labels":[{"at":"","level":"N","rule":"base"},{"at":"/x","level":"R","sensitivity":["ETHUD"],"rule":"r"},{"at":"/y","level":"R","sensitivity":["HIV"],"rule":"r"}],"record":{"k":1,"x":{"z":1},"y":1}}' >in
	redact in
	same records <<'END'
N {"k":1}
R {"k":1,"y":1}
V {"k":1,"x":{"z":1},"y":1}
END
	[ "$(jq -r '.ehr.view // "-"' out | tr '\n' ' ')" = '- r1 - ' ]
}

@test "ages need --now, tokens of a batch need --batch" {
	policy <<'END'
redact: 1
presence: shown
versions:
  - rl: N
    transforms: [{id: y, say: The year., at: .birthDate, do: {truncate: year, drop_over_age: 89}}]
  - {rl: V}
END
	{
		line_of '{"k":1,"birthDate":"1936-05-03"}' '' N
		line_of '{"k":1,"birthDate":"1937-05-03"}' '' N
		line_of '{"k":1,"birthDate":"about 1937"}' '' N
	} >in
	ehr 2 ehr-redact -P p --other-policy accept in
	has err "needs --now TIME: the policy computes ages (try ehr-redact --help)"
	ehr 2 ehr-redact -P p --now today in
	ehr 0 ehr-redact -P p --other-policy accept --levels N --now 2026-11-01T00:00:00Z in
	same err <<<'ehr-redact: not-understood: 1 values, such as a malformed time, were removed'
	sed -E 's/^\{"ehr":\{.*"rl":"(.)".*\},"record":/\1 /; s/\}$//' out >records
	same records <<'END'
N {"k":1}
N {"k":1,"birthDate":"1937"}
N {"k":1}
END
	policy <<'END'
redact: 1
keys: [pseudonym]
versions: [{rl: V, transforms: [{id: h, say: A token., at: .x, do: {hash: {key: pseudonym, scope: batch}}}]}]
END
	ehr 6 ehr-redact -P p in
	has err "the policy needs the key 'pseudonym': --site DIR or --keys DIR"
	empty out
	ehr-keys make -P p -S s >/dev/null
	ehr 2 ehr-redact -P p -S s in
	has err "needs --batch ID: the policy binds tokens to a batch"
	ehr 2 ehr-redact -P p -S s --batch 'b 1' in
	line_of '{"x":"m1"}' '' N >in
	redact -S s --batch b1 in
	cp records one
	redact --keys s/keys --batch b2 in
	ehr 1 cmp -s one records
	redact --site s --batch b1 in
	cmp one records
}

@test "a token stands for an id in every record and every shape of reference, and differs between keys" {
	policy <<'END'
redact: 1
keys: [pseudonym, mark]
mark: {key: mark, except: [.meta.versionId]}
versions:
  - {rl: V, transforms: [{id: h, say: A token., at: ".id, .subject.reference", do: {hash: {key: pseudonym}}}]}
END
	read_marks
	ehr-keys make -P p -S s >/dev/null
	{
		line_of '{"id":"p1","k":1}' '' N
		line_of '{"subject":{"reference":"http://h/fhir/Patient/p1/_history/2"},"k":1}' '' N
		line_of '{"subject":{"reference":"Patient?identifier=s|v"},"k":1}' '' N
	} >in
	redact -S s in
	token=$(sed -nE 's/^V \{"id":"([a-z2-7]{26})","k":1\}$/\1/p' records)
	[ -n "$token" ]
	sed -n 2,3p records >got
	printf 'V {"subject":{"reference":"Patient/%s"},"k":1}\nV {"k":1}\n' "$token" | same got
	# a mark for each version, the same for the same bytes
	[ "$(jq -r .ehr.mark out | grep -cE '^m_[A-Za-z0-9_-]{22}$')" -eq 3 ]
	rm -r s
	ehr-keys make -P p -S s >/dev/null
	redact -S s in
	lacks records "$token"
}

@test "what an update always changes does not change a mark, everything else does" {
	policy <<'END'
redact: 1
keys: [mark]
mark: {key: mark, except: [.meta.versionId, .meta.lastUpdated]}
presence: shown
versions: [{rl: N}, {rl: V}]
END
	read_marks
	ehr-keys make -P p -S s >/dev/null
	{
		line_of '{"meta":{"versionId":"1","lastUpdated":"a"},"k":1,"x":1}' '' N /x R
		line_of '{"meta":{"versionId":"2","lastUpdated":"b"},"k":1,"x":1}' '' N /x R
		line_of '{"meta":{"versionId":"2","lastUpdated":"b"},"k":1,"x":2}' '' N /x R
		line_of '{"meta":{"versionId":"2","lastUpdated":"b"},"k":2,"x":2}' '' N /x R
	} >in
	redact -S s in
	jq -r 'select(.ehr.rl == "N") | .ehr.mark' out | uniq -c | awk '{ print $1 }' >counts
	printf '3\n1\n' | same counts
	jq -r 'select(.ehr.rl == "V") | .ehr.mark' out | uniq -c | awk '{ print $1 }' >counts
	printf '2\n1\n1\n' | same counts
}

@test "there are marks only where notify.yaml has visible_change" {
	policy <<'END'
redact: 1
keys: [mark]
mark: {key: mark, except: [.meta.versionId]}
presence: shown
versions: [{rl: N}, {rl: V}]
END
	line_of '{"meta":{"versionId":"1"},"x":1,"k":1}' '' N /k R >in
	# No key is needed for what is not made.
	redact in
	lacks out '"mark"'
	printf 'notify: 1\n' >p/notify.yaml
	redact in
	lacks out '"mark"'
	sed -i 's/^mark: .*/mark: {key: mark, except: [".meta["]}/' p/redact.yaml
	ehr 3 ehr-redact -P p in
	has err 'p/redact.yaml:3:'
	sed -i -e 's/^mark: .*/mark: {key: mark, except: [.meta.versionId]}/' -e 's/^keys: .*/keys: [other]/' p/redact.yaml
	ehr 3 ehr-redact -P p in
	has err needs-key
	sed -i 's/^keys: .*/keys: [mark]/' p/redact.yaml
	read_marks
	ehr 6 ehr-redact -P p in
	has err "the policy needs the key 'mark'"
	ehr-keys make -P p -S s >/dev/null
	redact -S s in
	[ "$(jq -r .ehr.mark out | sort -u | grep -c '^m_')" -eq 2 ]
	# Without exceptions a mark is over the version itself.
	sed -i 's/, except: .*/}/' p/redact.yaml
	redact -S s in
	[ "$(jq -r .ehr.mark out | sort -u | grep -c '^m_')" -eq 2 ]
	echo 'visible_change: {' >>p/notify.yaml
	ehr 3 ehr-redact -P p -S s in
}

@test "a tombstone becomes one line at the lowest level" {
	shown
	echo '{"ehr":{"v":1,"stage":"deleted","id":"X/1"},"record":{}}' >in
	ehr 0 ehr-redact -P p in
	digest=$(sed -E 's/.*"policy":"([^"]*)".*/\1/' out)
	same out <<<'{"ehr":{"v":1,"stage":"deleted","id":"X/1","rl":"N","al":3,"n":1,"of":1,"criticality":"routine","policy":"'"$digest"'"},"record":{}}'
}

@test "a chain of entries that go one after the other is followed over 15, then the record is refused" {
	local P=$EHR_ROOT/policies/hospital bad=$EHR_ROOT/testdata/records/bad/too-chained.ndjson
	ehr-keys make -P "$P" -S s >/dev/null
	ehr 5 ehr-redact -P "$P" -S s --other-policy accept "$bad"
	empty out
	same err <<<"ehr-redact: $bad:1: too-chained: a long chain of references to what is withheld at byte $(($(grep -bo '"record":' "$bad" | cut -d: -f1) + 10))"
	# One entry less, and all of it goes.
	jq -c .record "$bad" | jq -c 'del(.entry[0])' | ehr-ingest --bundle keep | ehr-classify -P "$P" >in
	ehr 0 ehr-redact -P "$P" -S s --levels N in
	[ "$(jq -c .record.entry out)" = null ]
}

@test "an entry of a Bundle may have any number of names" {
	shown
	many=$(jq -nc '{resourceType: "Patient", id: "p", identifier: [range(200) | {system: "s", value: "v\(.)"}]}')
	line_of '{"resourceType":"Bundle","entry":[{"resource":'"$many"'},{"resource":{"resourceType":"X","a":{"reference":"Patient?identifier=s|v0"},"b":{"reference":"Patient?identifier=s|v199"},"c":{"reference":"Patient?identifier=s|v200"}}}]}' '' N /entry/0 R >in
	ehr 0 timeout 60 ehr-redact -P p --other-policy accept in
	[ "$(jq -c '.record.entry[-1].resource | [.a, .b, .c] | map(.reference)' out | paste -sd' ')" = '[null,null,"Patient?identifier=s|v200"] ["Patient?identifier=s|v0","Patient?identifier=s|v199","Patient?identifier=s|v200"] ["Patient?identifier=s|v0","Patient?identifier=s|v199","Patient?identifier=s|v200"]' ]
}

@test "lines that are not labelled records are refused with their reason, and no value is told" {
	shown
	bad=$EHR_ROOT/testdata/records/bad
	for reason in bad-pointer unknown-level unknown-version bad-envelope duplicate-key; do
		ehr 5 ehr-redact -P p --other-policy accept "$bad/$reason.ndjson"
		has err ": $reason: "
		empty out
	done
	{
		line_of '{"k":1}' '' N
		echo '{"resourceType":"Hidden"}'
		line_of '{"k":2}' '' N /Hidden R
		line_of '{"k":3}' '' N
	} >in
	ehr 1 ehr-redact -P p --other-policy accept --levels V --on-error skip in
	[ "$(jq -c .record out | tr '\n' ' ')" = '{"k":1} {"k":3} ' ]
	[ "$(wc -l <err)" -eq 2 ]
	has err 'in:2: wrong-stage'
	has err 'in:3: bad-pointer'
	lacks err Hidden
	ehr 1 ehr-redact -P p --other-policy accept --on-error quarantine --quarantine q --max-refused 2 in
	[ "$(wc -l <q)" -eq 2 ]
	ehr 5 ehr-redact -P p --other-policy accept --on-error skip --max-refused 1 in
	ehr 5 ehr-redact -P p --other-policy accept --levels V in
	[ "$(jq -c .record out)" = '{"k":1}' ]
}

@test "limits hold for the record, not for its envelope" {
	shown
	line_of '{"a":{"b":{"c":1}}}' '' N >in
	ehr 0 ehr-redact -P p --other-policy accept --max-depth 3 in
	ehr 5 ehr-redact -P p --other-policy accept --max-depth 2 in
	has err too-deep
	ehr 0 ehr-redact -P p --other-policy accept --max-record 19 in
	ehr 5 ehr-redact -P p --other-policy accept --max-record 18 in
	has err too-long
}

@test "a policy that cannot be carried out does not start" {
	shown
	: >in
	fault() {
		printf 'redact: 1\n%s\n' "$1" >p/redact.yaml
		ehr 3 ehr-redact -P p in
		has err "p/redact.yaml:2:"
		has err "$2"
		empty out
	}
	fault 'versions: [{rl: V, transforms: [{id: a, say: a, at: .x, do: {noise: {key: k}}}]}]' 'unknown operation'
	fault 'versions: [{rl: N}]' 'the highest level has no version: expected one with rl V'
	fault 'versions: [{rl: N, above: mask}, {rl: V}]' 'shows what `presence: hidden` hides'
	fault 'versions: [{rl: V, keeps: 1}]' 'keeps'
	fault 'versions: [{rl: W}]' 'expected one of L N R V'
	shown
	ehr 2 ehr-redact -P p --levels N,M in
	has err "redact.yaml has no version of level: 'M'"
	ehr 2 ehr-redact in
	has err "needs --policy DIR (try ehr-redact --help)"
}

@test "requirement 1.0.7: a ladder of 16 levels gives 16 versions, each with what it may hold" {
	names='a b c d e f g h i j k l m n o p'
	policy <<<'redact: 1'
	levels='' versions='' record='' labels=('' a)
	for name in $names; do
		levels="$levels${levels:+, }{name: $name, al: $((3 * ${#labels[@]} - 6))}"
		versions="$versions${versions:+, }{rl: $name}"
		record="$record${record:+,}\"$name\":1"
		labels+=("/$name" "$name")
	done
	sed -i "s/^levels:.*/levels: [$levels]/; /^code_system/d" p/policy.yaml
	printf 'redact: 1\npresence: shown\nversions: [%s]\n' "$versions" >p/redact.yaml
	line_of "{$record}" "${labels[@]}" >in
	ehr 0 ehr-redact -P p --other-policy accept in
	[ "$(jq -r '"\(.ehr.rl)\(.ehr.n):\(.record | keys | join(""))"' out | tr '\n' ' ')" = "$(
		seen='' n=0
		for name in $names; do
			seen=$seen$name n=$((n + 1))
			printf '%s%s:%s ' "$name" "$n" "$seen"
		done
	)" ]
}

@test "a policy without FHIR: no place has rules of its own" {
	policy <<'END'
redact: 1
presence: shown
versions:
  - {rl: N, transforms: [{id: h, say: The hour., at: .at, do: {truncate: hour}}, {id: r, say: Rounded., at: .value, do: {round: {to: 0.5}}}]}
  - {rl: V}
END
	sed -i 's/^record:.*/record: {type: {const: Reading}, id: .meter}/; /^code_system/d' p/policy.yaml
	line_of '{"text":"kept","_at":1,"at":"2026-03-02T09:17:33Z","value":7.26,"meter":"m"}' '' N >in
	redact in
	same records <<'END'
N {"text":"kept","_at":1,"at":"2026-03-02T09:00:00Z","value":7.5,"meter":"m"}
V {"text":"kept","_at":1,"at":"2026-03-02T09:17:33Z","value":7.26,"meter":"m"}
END
}

@test "pieces of a file give the pieces of the output" {
	shown
	for i in 1 2 3 4 5; do line_of "{\"k\":$i,\"x\":[$i,2]}" '' N /x/0 R; done >in
	redact in
	cp out whole
	for i in 1 2 3 4 5; do sed -n "${i}p" in | ehr-redact -P p --other-policy accept; done >pieces
	cmp whole pieces
}

@test "the ward: values above a level change nothing in its versions, tags and marks included" {
	P=$EHR_ROOT/policies/hospital
	ehr-keys make -P "$P" -S s >/dev/null
	# jq writes some numbers anew; that happens to both.  Ids stay: references lead to them.
	ehr-ingest <"$EHR_ROOT/testdata/ward/upload.ndjson" | ehr-classify -P "$P" 2>/dev/null | jq -c . >one
	jq -c 'def place: split("/")[1:] | map(gsub("~1"; "/") | gsub("~0"; "~") | if test("^[0-9]+$") then tonumber else . end);
		reduce (.labels[] | select((.level == "R" or .level == "V") and .rule != "base" and .criticality == null) | .at) as $at
			(.; .record |= reduce (getpath($at | place) | paths(scalars) | select(.[-1] != "id" and .[-1] != "resourceType")) as $p
				(.; setpath(($at | place) + $p; getpath(($at | place) + $p) | if type == "string" then . + " changed" else 7 end)))' one >two
	[ "$(cmp -l one two 2>/dev/null | wc -l)" -gt 100 ]
	for level in L N; do
		ehr 0 ehr-redact -P "$P" -S s --levels $level one
		cp out before
		ehr 0 ehr-redact -P "$P" -S s --levels $level two
		cmp before out
		[ -s out ]
	done
	ehr 0 ehr-redact -P "$P" -S s --levels V one
	cp out before
	ehr 0 ehr-redact -P "$P" -S s --levels V two
	ehr 1 cmp -s before out
}

@test "readings: no identity at the lower levels, and another token in another month" {
	P=$EHR_ROOT/policies/meter
	ehr-keys make -P "$P" -S s >/dev/null
	for month in 03 03 04; do
		printf '{"resourceType":"MeterReading","id":"x","meterId":"5c2fafaabbcc","wifi_ssid":"Home","start":"2026-%s-02T09:17:00Z","value":7.26,"unit":"kWh"}\n' $month
	done >in
	line 0 "ehr-classify -P '$P' in 2>/dev/null | ehr-redact -P '$P' -S s"
	grep -E '"rl":"(open|network)"' out >lower
	sed 's/"id":"[^"]*"//' lower | grep -c 5c2faf >found || true
	same found <<<0
	lacks lower Home
	[ "$(jq -r 'select(.ehr.rl == "network") | .record.meterId' out | uniq -c | awk '{ print $1 }' | tr '\n' ' ')" = '2 1 ' ]
	[ "$(jq -r 'select(.ehr.rl == "supplier") | .record.meterId' out | uniq | wc -l)" -eq 1 ]
	[ "$(jq -c 'select(.ehr.rl == "open") | .record | [.start, .value]' out | head -n 1)" = '["2026-03",5]' ]
	[ "$(jq -c 'select(.ehr.rl == "supplier") | .record.start' out | head -n 1)" = '"2026-03-02T09:00:00Z"' ]
}

@test "what an operation does not understand is said at the end, without -v" {
	P=$EHR_ROOT/policies/meter
	ehr-keys make -P "$P" -S s >/dev/null
	echo '{"meterId":"m","fuel":"gas","start":"2026-03-02 soon","value":7.26,"unit":"m3"}' >in
	line 0 "ehr-classify -P '$P' in | ehr-redact -P '$P' -S s"
	same err <<<'ehr-redact: not-understood: 4 values, such as a malformed time, were removed'
	sed -i 's/ soon//' in
	line 0 "ehr-classify -P '$P' in | ehr-redact -P '$P' -S s"
	empty err
}

@test "medical records through the policy for meters are said, and nobody but the household has them" {
	P=$EHR_ROOT/policies/meter
	ehr-keys make -P "$P" -S s >/dev/null
	printf '%s\n' '{"resourceType":"Observation","id":"o","start":"2026-03-02","value":7.2,"unit":"mmol/L","fuel":"x"}' \
		'{"header":{"id":"h"},"body":{"heart_rate":{"value":50}}}' '{"resourceType":7,"meterId":"m","value":1}' >in
	line 0 "ehr-classify -P '$P' in | ehr-redact -P '$P' -S s"
	same err <<<'ehr-classify: unknown-type: 3 records of a type that nobody knows: they state another, or have none of what policy.yaml (record.type.has) wants: .meterId, .fuel, .product_type, .unique_id, .gas_unique_id, .wifi_ssid, .wifi_strength, .active_power_w, .power_w and 11 more'
	[ "$(jq -r .ehr.rl out | sort | uniq -c | xargs)" = '3 household' ]
}

@test "sums by the day: the order of lines tells no hours" {
	P=$EHR_ROOT/policies/meter
	ehr-keys make -P "$P" -S s >/dev/null
	for hour in 03 07 19; do
		printf '{"meterId":"m%d","fuel":"electricity","unit":"kWh","start":"2026-03-02T%s:10:00+01:00","value":0.1}\n' 1 $hour 2 $hour
	done >in
	line 0 "jq -n -c -f '$EHR_ROOT/share/jq/sum-by-day.jq' in"
	same out <<-'END'
		{"meterId":"m1","fuel":"electricity","unit":"kWh","start":"2026-03-02","value":0.3}
		{"meterId":"m2","fuel":"electricity","unit":"kWh","start":"2026-03-02","value":0.3}
	END
	cp out sums
	line 0 "ehr-classify -P '$P' sums | ehr-redact -P '$P' -S s --levels open,network"
	[ "$(jq -c '[.ehr.rl, .record.start, .record.value]' out | paste -sd' ')" = '["open","2026-03",0] ["network","2026-03-02",0.3] ["open","2026-03",0] ["network","2026-03-02",0.3]' ]
	for bad in '{"meterId":"m","value":1}' '{"meterId":"m","start":"2026-03-02"}' '{"start":"2026-03-02","value":1}' '{"meterId":"m","start":"soon","value":1}'; do
		ehr 5 jq -n -c -f "$EHR_ROOT/share/jq/sum-by-day.jq" <<<"$bad"
		empty out
	done
}

@test "a failing write ends with 4" {
	shown
	for i in 1 2 3; do line_of "{\"k\":$i,\"x\":[1,2]}" '' N /x/0 R; done >in
	line 4 'ehr-redact -P p --other-policy accept in >/dev/full'
	line 4 'ehr-redact -P p --other-policy accept in >&-'
}

@test "a version that shows nothing, or nothing but its type, is tagged empty" {
	policy <<'END'
redact: 1
presence: shown
withheld: stub
versions:
  - {rl: N}
  - {rl: V}
END
	{
		line_of '{"resourceType":"X","a":1,"b":2}' '' R
		line_of '{"resourceType":"X","a":1,"b":2}' '' N /a R /b R
		line_of '{"a":1, "resourceType" : "X" ,"b":2}' '' N /a R /b R
		line_of '{"a":1,"b":2}' '' N /a R /b R
		line_of '{"resourceType":"X","a":1,"b":2}' '' N /resourceType R /a R
		line_of '{"resourceType":"X","id":"x","a":1}' '' N /a R
		line_of '{"resourceType":"X","a":{"b":1,"c":2}}' '' N /a/b R
		line_of '{"resourceType":"X","a":{"b":1}}' '' N /a/b R
		line_of '{"resourceType":"X"}' '' N
		line_of '{}' '' N
	} >in
	redact in
	# The tag stands on just those versions whose record shows nothing.
	[ "$(paste -d' ' <(jq -r '.ehr.empty // false' out) records | grep -c '^true')" -eq "$(grep -cE '^[NV] \{( *"resourceType" *: *"X" *)?\}$' records)" ]
	[ "$(jq -r 'select(.ehr.empty) | .record | keys_unsorted | join(",")' out | sort -u | tr '\n' '|')" = '|resourceType|' ]
	tail -n 4 out | jq -r .ehr.empty | sort -u >seen
	same seen <<<true
}
