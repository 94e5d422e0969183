bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/keys

setup_file() {
	site
}

seal() {
	ehr-seal -P "$P" -S "$F/site" "$@"
}

# The hospital's policy with a line of seal.yaml replaced, and versions that say they were made under it.
other_seal_yaml() {
	rm -rf policy
	cp -r "$P" policy
	sed -i "$1" policy/seal.yaml
	ehr-classify -P policy <"$F/records" 2>/dev/null | ehr-redact -P policy -S "$F/site" >versions
}

@test "a version becomes a line of six members, whose tags stand in it once" {
	ehr 0 seal <"$F/versions"
	empty err
	[ "$(wc -l <out)" -eq 8 ]
	jq -c keys_unsorted out | sort -u >members
	same members <<-'END'
		["ehr","protected","encrypted_key","iv","ciphertext","tag"]
	END
	while read -r line; do
		part "$line" protected >header
		[ "$(jq -c keys_unsorted header)" = '["alg","enc","typ","cty","kid"]' ]
		[ "$(jq -c '[.ehr.v, .ehr.stage]' <<<"$line")" = '[2,"sealed"]' ]
		[ "$(part "$line" encrypted_key | wc -c) $(part "$line" iv | wc -c) $(part "$line" tag | wc -c)" = '40 12 16' ]
	done <out
}

@test "use case 1.0.8: tags are readable without a key, pseudonyms stand for names, no category is named" {
	ehr 0 seal --batch b_AAAAAAAAAAAAAAAAAAAAAA <"$F/versions"
	jq -c '.ehr | del(.id, .subject, .policy, .mark)' out | head -n 2 >tags
	same tags <<-'END'
		{"v":2,"stage":"sealed","rl":"L","al":1,"n":1,"of":4,"criticality":"high","domain":"hospital","epoch":1,"batch":"b_AAAAAAAAAAAAAAAAAAAAAA","seq":0}
		{"v":2,"stage":"sealed","rl":"N","al":3,"n":2,"of":4,"criticality":"high","domain":"hospital","epoch":1,"batch":"b_AAAAAAAAAAAAAAAAAAAAAA","seq":1}
	END
	[ "$(jq -r .ehr.id out | sort -u | wc -l)" -eq 2 ]
	[ "$(jq -r .ehr.subject out | sort -u)" = "$(ehr-keys pseudonym -S "$F/site" Patient/p1)" ]
	[ "$(jq -r .ehr.id out | head -n 1)" = "$(ehr-keys pseudonym -S "$F/site" --kind id Observation/o1)" ]
	lacks out Patient
	lacks out Observation
}

@test "--seq goes on counting a batch, so that several runs seal its parts" {
	local batch=b_AAAAAAAAAAAAAAAAAAAAAA
	ehr 0 seal --batch $batch <"$F/versions" && jq -c .ehr out >whole
	head -n 3 "$F/versions" >first
	tail -n +4 "$F/versions" >rest
	ehr 0 seal --batch $batch first && jq -c .ehr out >parts
	ehr 0 seal --batch $batch --seq 3 rest && jq -c .ehr out >>parts
	cmp parts whole
	ehr 0 seal --batch $batch --seq 4503599627370496 first
	[ "$(jq .ehr.seq out | tail -n 1)" = 4503599627370498 ]
	mv out far && ehr 0 ehr-open -S "$F/site" <far
	ehr 2 seal --batch $batch --seq 4503599627370497 first
	ehr 2 seal --batch $batch --seq -1 first
	ehr 2 seal --seq 3 first
	has err "only with --batch"
	empty out
}

@test "with the same --batch all tags repeat, and nothing else does" {
	ehr 0 seal --batch b_AAAAAAAAAAAAAAAAAAAAAA <"$F/versions" && mv out one
	ehr 0 seal --batch b_AAAAAAAAAAAAAAAAAAAAAA <"$F/versions"
	cmp <(jq -c .ehr one) <(jq -c .ehr out)
	[ "$(jq -r .encrypted_key one out | sort -u | wc -l)" -eq 8 ]
	[ "$(jq -r .iv one out | sort -u | wc -l)" -eq 16 ]
	ehr 0 seal <"$F/versions"
	[ "$(jq -r .ehr.batch out | sort -u)" != b_AAAAAAAAAAAAAAAAAAAAAA ]
}

@test "what is opened again is what was sealed, byte for byte" {
	ehr 0 ehr-open -S "$F/site" --record "$F/sealed"
	cmp out <(sed 's/^.*"record"://; s/}$//' "$F/versions")
	has out '91.0'
	has out '1.1E+2'
}

# lengths FILE [MORE]: of ciphertexts, but for versions that say they are empty
lengths() {
	jq "select((.ehr.empty or .ehr.deleted | not) or \"${2:-}\" == \"full\") | .ciphertext | length" "$1" | sort -u
}

@test "padding hides the length: at a level, records that differ only above it have the same" {
	ehr 0 seal <"$F/versions"
	[ "$(lengths out)" = 1366 ]
	for rule in none 512 4096 padme '[256, 1024]'; do
		other_seal_yaml "s/^padding:.*/padding: $rule/"
		ehr 0 ehr-seal -P policy -S "$F/site" <versions
		cp out "sealed.$rule"
		ehr 0 ehr-open -S "$F/site" --record <"sealed.$rule"
		cmp out <(sed 's/^.*"record"://; s/}$//' versions)
	done
	[ "$(lengths sealed.512)" = 683 ]
	[ "$(lengths sealed.4096)" = 5462 ]
	[ "$(lengths 'sealed.[256, 1024]')" = 342 ]
	[ "$(lengths sealed.none | wc -l)" -gt 2 ]
	# Behind the last step by multiples of it.
	other_seal_yaml 's/^padding:.*/padding: [16, 32, 64]/'
	sed -E 's/"record":.*/"record":{}}/; s/,"empty":true//' versions | head -n 1 >one
	for size in 16 17 32 33 64 65 129; do
		printf '%s' "$(sed 's/"record":{}}$//' one)" >line
		printf '"record":{"a":"%s"}}\n' "$(head -c $((size - 8)) /dev/zero | tr '\0' x)" >>line
		ehr 0 ehr-seal -P policy -S "$F/site" <line
		part "$(cat out)" ciphertext | wc -c
	done | tr '\n' ' ' >got
	[ "$(cat got)" = '16 32 32 64 64 128 192 ' ]
}

@test "versions that say they are empty are one form, which needs no padding; unsaid, they are padded" {
	jq -c 'select(.ehr.rl == "L") | .ehr.empty = true | .record = {}' "$F/versions" >empty
	ehr 0 seal <empty
	[ "$(jq -r '[.ehr.empty, (.ciphertext | length)] | @csv' out | sort -u)" = true,3 ]
	other_seal_yaml '$aempty_tag: false'
	ehr 0 ehr-seal -P policy -S "$F/site" --other-policy accept <empty
	[ "$(jq -r '[.ehr.empty, (.ciphertext | length)] | @csv' out | sort -u)" = ,1366 ]
	# What says that it is empty and is not is padded as any other.
	jq -c '.record = {a: 1}' empty >full
	ehr 0 seal <full
	[ "$(lengths out full)" = 1366 ]
}

@test "a content key is used for rekey_lines lines and no more" {
	other_seal_yaml 's/^rekey_lines:.*/rekey_lines: 1/'
	ehr 0 ehr-seal -P policy -S "$F/site" <versions
	[ "$(jq -r .encrypted_key out | sort -u | wc -l)" -eq 8 ]
	mv out sealed
	ehr 0 ehr-open -S "$F/site" -P policy <sealed
	[ "$(wc -l <out)" -eq 8 ]
}

@test "a tombstone is sealed as one" {
	policy=$(jq -r '.ehr.policy' "$F/versions" | head -n 1)
	echo '{"ehr":{"v":1,"stage":"deleted","id":"Observation/o1","rl":"L","al":1,"n":1,"of":1,"criticality":"low","policy":"'"$policy"'"},"record":{}}' >gone
	ehr 0 seal <gone
	[ "$(jq -c '[.ehr.stage, .ehr.deleted]' out)" = '["sealed",true]' ]
	sed -i 's/"record":{}/"record":{"a":1}/' gone
	ehr 5 seal <gone
	has err 'tags-invalid'
}

@test "opened lines are sealed anew, and their pseudonyms stay" {
	ehr 0 ehr-open -S "$F/site" "$F/sealed" && mv out opened
	ehr 0 seal <opened
	mv out sealed
	cmp <(jq -c '[.ehr.id, .ehr.subject, .ehr.mark]' sealed) <(jq -c '[.ehr.id, .ehr.subject, .ehr.mark]' "$F/sealed")
	ehr 0 ehr-open -S "$F/site" --record sealed && mv out again
	ehr 0 ehr-open -S "$F/site" --record "$F/sealed"
	cmp out again
}

@test "lines made under another policy are refused, or taken if that is said" {
	sed 's/"policy":"sha256:..../"policy":"sha256:0000/' "$F/versions" >versions
	ehr 5 seal <versions
	same err <<-'END'
		ehr-seal: <stdin>:1: other-policy: made under another policy
	END
	ehr 0 seal --other-policy accept <versions
	[ "$(wc -l <out)" -eq 8 ]
	ehr 2 seal --other-policy later <versions
}

@test "a level or AL that the policy does not have is refused" {
	sed 's/"rl":"N","al":3/"rl":"N","al":2/' "$F/versions" >versions
	ehr 1 seal --on-error skip <versions
	has err '<stdin>:2: unknown-level: a level that the policy does not have'
	[ "$(wc -l <out)" -eq 6 ]
}

@test "use case 1.0.8: an unlisted tag never leaves" {
	sed 's/,"criticality"/,"criticality"/; s/"},"record"/","tags":{"topic":"vitals"}},"record"/' "$F/versions" >versions
	ehr 5 seal <versions
	has err ':1: tags-invalid'
	empty out
	other_seal_yaml '$a tags: {topic: [vitals]}'
	sed -i 's/"},"record"/","tags":{"topic":"vitals"}},"record"/' versions
	ehr 0 ehr-seal -P policy -S "$F/site" <versions
	[ "$(jq -r .ehr.tags.topic out | sort -u)" = vitals ]
	sed 's/"vitals"/"secret"/' versions >other
	ehr 5 ehr-seal -P policy -S "$F/site" <other
	empty out
}

@test "a tag that is missing, doubled or not a word is refused" {
	for change in 's/"criticality":"[a-z]*",//' 's/"n":1,/"n":5,/' 's/"rl":"L"/"rl":"L L"/' 's/"policy":"sha256:[0-9a-f]*"/"policy":"sha256:00"/'; do
		head -n 1 "$F/versions" | sed "$change" >one
		ehr 5 seal <one
		has err ':1: tags-invalid'
		empty out
	done
}

@test "tags in any order and with white space are read alike" {
	head -n 1 "$F/versions" | sed 's/"v":1,"stage":"version"/ "stage" : "version" , "v" : 1 /; s/,"record":/ , "record" : /' >one
	ehr 0 seal --batch b_AAAAAAAAAAAAAAAAAAAAAA <one && mv out loose
	head -n 1 "$F/versions" >one
	ehr 0 seal --batch b_AAAAAAAAAAAAAAAAAAAAAA <one
	cmp <(jq -c .ehr loose) <(jq -c .ehr out)
}

@test "a record is taken as it is; --check parses it" {
	head -n 1 "$F/versions" | sed 's/"record":{/"record":{"a":1,"a":2,/' >one
	ehr 0 seal <one
	ehr 5 seal --check <one
	has err 'duplicate-key: key seen twice at byte'
	empty out
}

@test "what is no version is refused" {
	for line in '{"ehr":{"v":1,"stage":"labelled","id":"x","level":"N","criticality":"low","policy":"x"},"labels":[],"record":{}}' '{"a":1}'; do
		ehr 5 seal <<<"$line"
		has err 'wrong-stage'
	done
	ehr 5 seal <"$F/sealed"
	has err 'wrong-stage'
	head -n 1 "$F/versions" | head -c 300 >pieces
	ehr 5 seal <pieces
	has err 'truncated'
}

# ---- to a recipient ------------------------------------------------------------------------

@test "--to: any record, opened by the recipient's private key alone" {
	ehr-keys make --kind reader --keys tablet --authority "$F/site/authority.jwks" >/dev/null
	ehr-keys list --self --keys tablet | jq -c '.enc.jwk + {domain:"clinic"}' >tablet.jwk
	ehr 0 ehr-seal --to tablet.jwk <"$F/records" && mv out sealed
	[ "$(jq -c '.ehr | del(.batch, .to)' sealed | head -n 1)" = '{"v":2,"stage":"sealed","domain":"clinic","seq":0}' ]
	[ "$(jq -r .encrypted_key sealed | sort -u | wc -l)" -eq 1 ]
	ehr 0 ehr-open --key tablet <sealed
	cmp out "$F/records"
	ehr 0 ehr-open --key tablet/keys/enc.pem <sealed
	cmp out "$F/records"
	ehr 7 ehr-open -S "$F/site" <sealed
	has err 'no-key'
}

@test "--to: versions keep their level; with keys they have pseudonyms, without none" {
	ehr-keys make --kind reader --keys tablet --authority "$F/site/authority.jwks" >/dev/null
	ehr-keys list --self --keys tablet | jq -c '.enc.jwk' >tablet.jwk
	ehr 0 ehr-seal --to tablet.jwk -P "$P" <"$F/versions"
	[ "$(jq -c '[.ehr.rl, .ehr.id, .ehr.subject, .ehr.epoch]' out | head -n 1)" = '["L",null,null,null]' ]
	ehr 0 ehr-seal --to tablet.jwk -P "$P" --keys "$F/site/keys" <"$F/versions" && mv out sealed
	cmp <(jq -c '[.ehr.id, .ehr.subject]' sealed) <(jq -c '[.ehr.id, .ehr.subject]' "$F/sealed")
	ehr 0 ehr-open --key tablet sealed
	[ "$(jq -r .ehr.rl out | head -n 4 | tr '\n' ' ')" = 'L N R V ' ]
	ehr 2 ehr-seal --to tablet.jwk <"$F/versions"
	has err "whose?"
}

@test "a recipient's key must be public, on the curve, and not one that everybody knows" {
	ehr 6 ehr-seal --to "$EHR_ROOT/testdata/keys/recipient.jwk" -P "$P" <"$F/records"
	has err 'test-key'
	ehr 0 ehr-seal --allow-test-keys --to "$EHR_ROOT/testdata/keys/recipient.jwk" -P "$P" <"$F/records"
	jq -c '.x = .y' "$EHR_ROOT/testdata/keys/recipient.jwk" >off.jwk
	ehr 6 ehr-seal --to off.jwk -P "$P" <"$F/records"
	has err 'not a point of P-256'
	jq -c '. + {d: .x}' "$EHR_ROOT/testdata/keys/recipient.jwk" >private.jwk
	ehr 6 ehr-seal --to private.jwk -P "$P" <"$F/records"
	has err 'not a public key on P-256'
	ehr 4 ehr-seal --to none.jwk -P "$P" <"$F/records"
}

@test "a recipient's key that is for something else is refused, an authority's key that is for sealing too" {
	key=$(jq -c . "$EHR_ROOT/testdata/keys/recipient.jwk")
	for more in '{use:"sig"}' '{alg:"ES256"}' '{key_ops:["verify"]}' '{key_ops:[]}' '{key_ops:["encrypt"]}' '{use:"enc",key_ops:["sign"]}' \
		'{alg:"ECDH-ES"}' '{use:"enc",alg:"RSA-OAEP"}' '{crv:"P-384"}' '{kty:"OKP",crv:"X25519"}' '{d:.x}'; do
		jq -c ". + $more" <<<"$key" >to.jwk
		ehr 6 ehr-seal --allow-test-keys --to to.jwk -P "$P" <"$F/records"
		same err <<-'END'
			ehr-seal: to.jwk: key-invalid: not a public key on P-256 to seal to, as a JWK; use, alg and key_ops may be absent, or enc, ECDH-ES+A256KW, deriveKey and deriveBits
		END
		empty out
	done
	for more in '{use:"enc"}' '{alg:"ECDH-ES+A256KW"}' '{key_ops:["deriveKey"]}' '{use:"enc",key_ops:["deriveBits","deriveKey"]}'; do
		jq -c ". + $more" <<<"$key" >to.jwk
		ehr 0 ehr-seal --allow-test-keys --to to.jwk -P "$P" <"$F/records"
	done
	cp -r "$F/site" site
	jq -c '.keys[].use = "enc"' "$F/site/keys/authority.jwks" >site/keys/authority.jwks
	ehr 6 ehr-seal -P "$P" -S site <"$F/versions"
	has err 'key-invalid: authority.jwks: not a set of keys on P-256 that verify signatures'
}

# ---- keys ----------------------------------------------------------------------------------------

@test "a key for every level must be there before the first line is read" {
	cp -r "$F/site/keys" keys
	rm keys/releases/level-1-M.jwe
	ehr 6 ehr-seal -P "$P" --keys keys <"$F/versions"
	has err 'no-level-key: there is no key of level M, al 2, epoch 1'
	empty out
	ehr 6 seal --epoch 2 <"$F/versions"
	has err 'no-level-key'
	ehr 2 seal --epoch 0 <"$F/versions"
}

@test "the current epoch is used, or the one that is named" {
	cp -r "$F/site" site
	ehr-keys rotate -P "$P" -S site >/dev/null
	ehr 0 ehr-seal -P "$P" -S site <"$F/versions"
	[ "$(jq .ehr.epoch out | sort -u)" = 2 ]
	ehr 0 ehr-seal -P "$P" -S site --epoch 1 <"$F/versions"
	[ "$(jq .ehr.epoch out | sort -u)" = 1 ]
}

@test "a key directory that others can read, or that holds a link, is refused" {
	cp -r "$F/site/keys" keys
	chmod 0750 keys
	ehr 6 ehr-seal -P "$P" --keys keys <"$F/versions"
	has err 'keys: key-directory: open to others, expected mode 0700'
	chmod 0700 keys
	chmod 0644 keys/self.json
	ehr 6 ehr-seal -P "$P" --keys keys <"$F/versions"
	has err 'key-directory: self.json: open to others'
	chmod 0600 keys/self.json
	chmod 0644 keys/keys/enc.pem
	ehr 6 ehr-seal -P "$P" --keys keys <"$F/versions"
	has err 'key-invalid: keys/enc.pem: open to others'
	chmod 0600 keys/keys/enc.pem
	mv keys/releases/level-1-L.jwe elsewhere
	ln -s "$PWD/elsewhere" keys/releases/level-1-L.jwe
	ehr 6 ehr-seal -P "$P" --keys keys <"$F/versions"
	has err 'key-directory: releases/level-1-L.jwe:'
	ln -s keys link
	ehr 6 ehr-seal -P "$P" --keys link <"$F/versions"
	ehr 6 ehr-seal -P "$P" --keys nowhere <"$F/versions"
}

@test "keys that another authority signed, or that were exchanged, do not load" {
	cp -r "$F/site/keys" keys
	ehr-keys make -P "$P" --keys other >/dev/null
	cp other/releases/level-1-L.jwe keys/releases/
	ehr 6 ehr-seal -P "$P" --keys keys <"$F/versions"
	has err 'key-invalid: releases/level-1-L.jwe: sealed to another key'
	cp "$F/site/keys/releases/level-1-L.jwe" keys/releases/
	cp other/authority.jwks keys/
	ehr 6 ehr-seal -P "$P" --keys keys <"$F/versions"
	has err 'not signed by the authority'
	cp "$F/site/keys/authority.jwks" keys/
	cp keys/releases/level-1-L.jwe keys/releases/hmac-tag.id.jwe
	ehr 6 ehr-seal -P "$P" --keys keys <"$F/versions"
	has err 'a key that is not what its name and domain say'
}

@test "nothing is sealed under a revoked key" {
	cp -r "$F/site" site
	kid=$(part "$(sed -n 2p "$F/sealed")" protected | jq -r .kid)
	rl=$(sed -n 2p "$F/sealed" | jq -r .ehr.rl)
	ehr-keys revoke -S site --kid "$kid" --now "$NOW" >list
	for program in "ehr-seal -P $P -S site" "ehr-seal -P $P --keys site/keys" "ehr-seal -P $P -S $F/site --revoked list"; do
		ehr 6 $program --now "$NOW" "$F/versions"
		empty out
		grep -qx "ehr-seal: key-revoked: the key of level $rl, al [0-9], epoch 1 is on the revocation list: ehr-keys rotate" err
	done
	ehr-keys rotate -P "$P" -S site --now "$NOW" >/dev/null
	ehr 0 ehr-seal -P "$P" -S site --now "$NOW" "$F/versions"
	ehr 6 ehr-seal -P "$P" -S site --now "$NOW" --epoch 1 "$F/versions"
	# The recipient's key, by the list of the site.
	ehr-keys make --kind reader --keys tablet --authority site/authority.jwks --now "$NOW" >/dev/null
	jwk=$(openssl pkey -in tablet/keys/enc.pem -pubout -outform DER | tail -c 64 | basenc -w 0 --base16)
	x=$(printf '%s' "${jwk:0:64}" | basenc -d --base16 | basenc -w 0 --base64url | tr -d =)
	y=$(printf '%s' "${jwk:64}" | basenc -d --base16 | basenc -w 0 --base64url | tr -d =)
	echo "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"$x\",\"y\":\"$y\"}" >to.jwk
	ehr 0 ehr-seal --to to.jwk -P "$P" -S site --now "$NOW" "$F/versions"
	jkt=$(jq -r .enc.jkt tablet/self.json)
	ehr-keys revoke -S site --kid "$jkt" --now "$NOW" >/dev/null
	ehr 6 ehr-seal --to to.jwk -P "$P" -S site --now "$NOW" "$F/versions"
	same err <<-'END'
		ehr-seal: key-revoked: the recipient's key is on the revocation list
	END
	empty out
	ehr 2 ehr-seal --to to.jwk -P "$P" --revoked list "$F/versions"
	has err '--revoked'
}

@test "--now before the level keys begin is refused, and nothing is written" {
	ehr 6 seal --now 2026-03-02T08:59:59Z <"$F/versions"
	empty out
	same err <<-'END'
		ehr-seal: key-not-valid: the key of level U, al 0, epoch 1 is for another time: give such a --now, or ask for a new key
	END
	ehr 0 seal --now "$NOW" <"$F/versions"
	ehr 0 seal --now 2030-01-01T00:00:00Z <"$F/versions"
	ehr 2 seal --now yesterday <"$F/versions"
}

@test "a rotated epoch begins at the time of rotate, and the one before has no end" {
	cp -r "$F/site" site
	ehr-keys rotate -P "$P" -S site --now 2026-04-01T00:00:00Z >/dev/null
	ehr 6 ehr-seal -P "$P" -S site --now 2026-03-31T23:59:59Z <"$F/versions"
	empty out
	same err <<-'END'
		ehr-seal: key-not-valid: the key of level U, al 0, epoch 2 is for another time: give such a --now, or ask for a new key
	END
	ehr 0 ehr-seal -P "$P" -S site --now 2026-04-01T00:00:00Z <"$F/versions"
	ehr 0 ehr-seal -P "$P" -S site --epoch 1 --now 2026-03-31T23:59:59Z <"$F/versions"
	ehr 0 ehr-seal -P "$P" -S site --epoch 1 --now 2030-01-01T00:00:00Z <"$F/versions"
}

@test "a level key without a beginning is valid at any time" {
	# made by ehr-keys before level keys had a beginning
	cp -r "$EHR_ROOT/testdata/keys/without-nbf" keys
	chmod -R go-rwx keys
	[ "$(ehr-keys list --keys keys --allow-test-keys | jq -c 'del(.kid)')" = '{"rl":"a","al":1,"epoch":1,"state":"current"}' ]
	mkdir policy
	printf 'policy: 1\nname: x\nserial: 1\nlevels: [{name: a, al: 1}]\n' >policy/policy.yaml
	printf 'seal: 1\ndomain: example\npadding: none\n' >policy/seal.yaml
	printf '{"ehr":{"v":1,"stage":"version","id":"Observation/o1","rl":"a","al":1,"n":1,"of":1,"criticality":"routine","policy":"sha256:%064d"},"record":{"a":1}}\n' 0 >version
	ehr 0 ehr-seal -P policy --keys keys --allow-test-keys --other-policy accept --now 1970-01-01T00:00:00Z <version && mv out sealed
	ehr 0 ehr-open --key keys --allow-test-keys --now 1970-01-01T00:00:00Z --record sealed
	[ "$(cat out)" = '{"a":1}' ]
}

@test "options that do not go together are misuse" {
	ehr 2 ehr-seal <"$F/versions"
	ehr 2 ehr-seal -P "$P" <"$F/versions"
	has err 'needs'
	ehr 2 seal --to x --epoch 1 <"$F/versions"
	ehr 2 seal --batch 17 <"$F/versions"
	has err 'not b_ and 22 characters'
}

@test "--keep seals labelled lines whole, with pseudonyms outside" {
	ehr-classify -P "$P" "$F/records" >labelled 2>/dev/null
	printf '{"ehr":{"v":1,"stage":"deleted","id":"Flag/f","subject":"Patient/p1"},"record":{}}\n' >>labelled
	ehr-keys list --self -S "$F/site" | jq -c .enc.jwk >site.jwk
	ehr 0 seal --to site.jwk --keep <labelled
	mv out kept
	[ "$(jq -r '.ehr | (keys_unsorted | join(" ")) + " " + .subject' kept | sort -u)" = \
		"v stage id subject domain to batch seq $(ehr-keys pseudonym -S "$F/site" Patient/p1)" ]
	[ "$(jq -r .ehr.id kept | head -n 1)" = "$(head -n 1 "$F/sealed" | jq -r .ehr.id)" ]
	ehr 0 ehr-open -S "$F/site" --record kept
	cmp out labelled
	# Without keys there are no pseudonyms.
	ehr 0 ehr-seal -P "$P" --to site.jwk --keep labelled
	[ "$(jq -c '.ehr | [.id, .subject]' out | sort -u)" = '[null,null]' ]
	ehr 5 seal --to site.jwk <labelled
	has err wrong-stage
	for file in records versions sealed; do
		ehr 5 seal --to site.jwk --keep <"$F/$file"
		has err '<stdin>:1: wrong-stage'
		empty out
	done
	for bad in '[]' '{"ehr":{"v":1,"stage":"labelled"' '{"ehr":7}' '{"ehr":{"v":1,"stage":"labelled","nonsense":1},"record":{}}'; do
		ehr 5 seal --to site.jwk --keep <<<"$bad"
		empty out
	done
	ehr 2 seal --keep <labelled
	has err 'only together with --to JWK'
}

@test "OpenSSL's environment changes nothing" {
	printf 'openssl_conf = x\n[x]\nproviders = y\n[y]\ndefault = z\n[z]\nactivate = 0\n' >hostile
	export OPENSSL_CONF=$PWD/hostile OPENSSL_MODULES=$PWD OPENSSL_ENGINES=$PWD
	ehr 0 seal <"$F/versions"
	mv out sealed
	ehr 0 ehr-open -S "$F/site" sealed
	[ "$(wc -l <out)" -eq 8 ]
}

@test "no key and no byte of a record is in any message or argument" {
	for file in keys/enc.pem keys/sig.pem; do
		sed 1d "$F/site/keys/$file" | head -n 1 >>keys
	done
	ehr 5 seal <<<'{"ehr":{"v":1,"stage":"version","id":"Lindqvist"},"record":{"name":"Lindqvist"}}'
	lacks err Lindqvist
	ehr 6 seal --epoch 9 <"$F/versions"
	while read -r key; do lacks err "$key"; done <keys
}

@test "a full disk ends with 4" {
	line 4 "ehr-seal -P '$P' -S '$F/site' <'$F/versions' >/dev/full"
	has err '<stdout>: No space left on device'
}
