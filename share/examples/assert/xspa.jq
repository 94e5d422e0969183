# Claims for ehr-keys assert out of a SAML assertion of the XSPA profile whose signature was verified, as JSON:
#
#	{"name_id":"..","not_on_or_after":"2026-03-02T09:05:00Z","authn_context":"urn:..","attributes":{"urn:..":["..",..]}}
#
#	jq -c --arg audience pdp -f xspa.jq assertion.json | ehr-keys assert --sign gateway.pem --domain clinic
#
# --domain is the domain whose identity provider signed the assertion; the gateway has one key for each.
# A role, purpose or context that the tables do not have is left out.  A purpose that is left out is missing.
{"112247003": "physician", "Medical doctor": "physician", "106292003": "nurse", "Professional nurse": "nurse",
	"46255001": "pharmacist", "Pharmacist": "pharmacist", "66862007": "radiologist", "Radiologist": "radiologist"} as $roles
| {"TREATMENT": "TREAT", "EMERGENCY": "ETREAT", "PAYMENT": "HPAYMT", "OPERATIONS": "HOPERAT", "PUBLICHEALTH": "PUBHLTH",
	"RESEARCH": "HRESCH", "REQUEST": "PATRQT"} as $purposes
| {"urn:oasis:names:tc:SAML:2.0:ac:classes:Password": "loa1",
	"urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport": "loa1",
	"urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken": "loa2",
	"urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI": "loa3"} as $contexts
| def of($name): (.attributes[$name] // []) | if type == "array" then . else [.] end;
if (.name_id | type) != "string" then error("an assertion without NameID") else . end
| {sub: .name_id, aud: $audience, exp: (.not_on_or_after | fromdateiso8601)}
	+ ({structural_role: [of("urn:oasis:names:tc:xacml:2.0:subject:role")[] | $roles[.] // empty],
		functional_role: of("urn:oasis:names:tc:xspa:1.0:subject:functional-role"),
		permissions: of("urn:oasis:names:tc:xspa:1.0:subject:hl7:permission"),
		organization: of("urn:oasis:names:tc:xspa:1.0:subject:organization-id"),
		purpose: [of("urn:oasis:names:tc:xspa:1.0:subject:purposeofuse")[] | $purposes[.] // empty]}
		| with_entries(select(.value != [])))
	+ (if $contexts[.authn_context // ""] then {acr: $contexts[.authn_context]} else {} end)
	+ (if $ARGS.named.jkt then {cnf: {jkt: $ARGS.named.jkt}} else {} end)
