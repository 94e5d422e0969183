# Signed grants, one a line: a subscription that each of them carries.  $decisions are what they were made of.
split(".")[1] | gsub("-"; "+") | gsub("_"; "/") | . + "==="[(length + 3) % 4:] | @base64d | fromjson
| . as $grant
| first($decisions[] | select(.decision and .context.about.subject == $grant.sub)).context.id
| split(" ") as [$party, $class, $least]
| {id: $party, party: $grant.sub, grant: $grant.jti, responder: $class, claims: {al: $grant.al},
	select: {subjects: $grant.subjects, min_criticality: $least}, purpose: $grant.purposes[0], payload: "reference", route: [{channel: "file", to: $party}]}
