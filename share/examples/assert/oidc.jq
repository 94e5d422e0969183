# Claims for ehr-keys assert out of the claims of an OpenID Connect ID token whose signature was verified:
#
#	jq -c --arg audience pdp --arg purpose TREAT -f oidc.jq id-token.json |
#	    ehr-keys assert --sign idp.pem --domain hospital
#
# The login knows the person, her groups and how she was authenticated.  It does not know what she asks for: the
# application says the purpose, and `jkt`, the thumbprint of the device's key, if it proved one.
# A group or acr that the tables do not have is left out: a role that nobody mapped is no role.
{"doctors": "physician", "nurses": "nurse", "pharmacy": "pharmacist", "accounts": "billing"} as $structural
| {"nurses": "nurse", "charge-nurses": "charge-nurse", "emergency": "emergency-responder", "audit": "auditor"} as $functional
| {"ward-documents": "PRD-006", "infusion-orders": "POE-012"} as $permissions
| {"urn:hospital:password": "loa1", "urn:hospital:mfa": "loa2", "urn:hospital:card": "loa3"} as $acr
| def mapped($table): [(.groups // [])[] | $table[.] // empty];
if (.sub | type) != "string" or (.exp | type) != "number" then error("an ID token without sub or exp") else . end
| {sub, aud: $audience, exp: (.exp | floor), purpose: $purpose}
	+ ({structural_role: mapped($structural), functional_role: mapped($functional), permissions: mapped($permissions)}
		| with_entries(select(.value != [])))
	+ (if $acr[.acr // ""] then {acr: $acr[.acr]} else {} end)
	+ (if .amr | type == "array" then {amr} else {} end)
	+ (if $ARGS.named.jkt then {cnf: {jkt: $ARGS.named.jkt}} else {} end)
