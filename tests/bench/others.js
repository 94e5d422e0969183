// SPDX-License-Identifier: ISC
// usage: node others.js cedar|casbin MODULES DIRECTIVES REQUESTS
// Decisions a second of another engine over the workload of the rows `decisions`: a nurse of the ward reads, and each
// directive shuts out somebody else.  MODULES is the node_modules folder.  Ends with 1 if a request is not permitted.
'use strict';
const fs = require('fs');
const path = require('path');
const [engine, modules, directivesFile, requestsFile] = process.argv.slice(2);
const read = (file) => fs.readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
const directives = read(directivesFile);
const all = read(requestsFile);

function cedar() {
	const c = require(path.join(modules, '@cedar-policy/cedar-wasm/nodejs'));
	const policies = {
		house: 'permit(principal, action == Action::"read", resource) when { principal.role == "nurse" && ' +
			'principal.permissions.contains("PRD-006") && principal.ward == resource.ward && ' +
			'context.purpose == "TREAT" && ["on-site", "ward-network"].contains(context.route) };',
	};
	for (const d of directives)
		policies[d.consent] = `forbid(principal == User::"${d.rules[0].who.id}", action, resource == Patient::"${d.patient}");`;
	const parsed = c.preparsePolicySet('p', { staticPolicies: policies });
	if (parsed.type !== 'success') throw new Error(JSON.stringify(parsed));
	return (r) => {
		const p = r.subject.properties, user = { type: 'User', id: r.subject.id }, patient = { type: 'Patient', id: r.resource.id };
		const answer = c.statefulIsAuthorized({
			principal: user, action: { type: 'Action', id: r.action.name }, resource: patient, preparsedPolicySetId: 'p',
			context: { purpose: r.context.purpose, route: r.context.route },
			entities: [
				{ uid: user, attrs: { role: p.structural_role, permissions: p.permissions, ward: p.ward }, parents: [] },
				{ uid: patient, attrs: { ward: r.resource.properties.ward }, parents: [] },
			],
		});
		return answer.type === 'success' && answer.response.decision === 'allow';
	};
}

async function casbin() {
	const c = require(path.join(modules, 'casbin'));
	const model = c.newModelFromString(`[request_definition]
r = sub, role, ward, obj, objward, act
[policy_definition]
p = sub, role, obj, act, eft
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = (p.sub == "*" || r.sub == p.sub) && (p.role == "*" || r.role == p.role) && (p.obj == "*" || r.obj == p.obj) && (p.act == "*" || r.act == p.act) && (p.eft == "deny" || r.ward == r.objward)
`);
	const lines = ['p, *, nurse, *, read, allow'];
	for (const d of directives) lines.push(`p, ${d.rules[0].who.id}, *, ${d.patient}, *, deny`);
	const enforcer = await c.newEnforcer(model, new c.StringAdapter(lines.join('\n')));
	return (r) => enforcer.enforceSync(r.subject.id, r.subject.properties.structural_role, r.subject.properties.ward, r.resource.id,
		r.resource.properties.ward, r.action.name);
}

// For so many milliseconds of the processor's time, which other work on the machine disturbs less.
function run(decide, milliseconds) {
	const began = process.cpuUsage();
	for (let count = 0; ; count++) {
		const used = process.cpuUsage(began), spent = (used.user + used.system) / 1000;
		if (spent >= milliseconds) return (1000 * count) / spent;
		if (!decide(all[count % all.length])) process.exit(1);
	}
}

(async () => {
	const decide = engine === 'cedar' ? cedar() : await casbin();
	run(decide, 3000); // until it is compiled
	console.log(run(decide, 2000).toFixed(0));
})();
