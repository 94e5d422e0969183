# Asking for less gives no more, and nothing tells of what a decision withholds: random directives, narrowings
# and records whose references, displays and narratives name each other.
#
#   less.py POLICY ACCESS FACTS SEED ROUNDS    in a folder with a site; prints what is given too much
import json, os, random, subprocess, sys

policy, access, facts, seed, rounds = sys.argv[1:6]
rnd = random.Random(int(seed))
TYPES = ['Observation', 'Condition', 'Encounter', 'MedicationRequest', 'Procedure', 'CarePlan', 'DiagnosticReport', 'Practitioner']
LOINC = 'http://loinc.org|'
meant = {}  # display -> the record that a reference means


def run(*command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit('%s ended with %d: %s' % (command[0], done.returncode, done.stderr))
    return [json.loads(line) for line in done.stdout.splitlines()]


def reference(type=None):
    type, id = type or rnd.choice(TYPES), 'x%d' % rnd.randrange(3)
    display = 'canary%d' % len(meant)
    meant[display] = '%s/%s' % (type, id)
    forms = [{'reference': '%s/%s' % (type, id)}, {'reference': 'http://h.example/%s/%s/_history/2' % (type, id)},
             {'reference': 'urn:uuid:' + id}, {'type': type}, {'identifier': {'system': 's', 'value': id}}, {},
             {'reference': '%s?identifier=s|%s' % (type, id)}]
    return dict(rnd.choice(forms), display=display)


def date():
    return rnd.choice(['2025-03-01', '2026-01-02', '2026-05-03', '2027-01-04', '2026'])


def record(type, id):
    r = {'resourceType': type, 'id': id, 'status': 'final', 'subject': {'reference': 'Patient/ann'}}
    may = {'text': {'status': 'generated', 'div': '<div>%s</div>' % id}, 'encounter': reference('Encounter')}
    if type == 'Observation':
        r['code'] = {'coding': [{'system': 'http://loinc.org', 'code': rnd.choice(['8867-4', '1-1'])}]}
        may.update(effectiveDateTime=date(), hasMember=[reference(), reference()], partOf=[reference()], performer=[reference('Practitioner')])
    if type == 'Condition':
        r['code'] = {'coding': [{'system': 'http://hl7.org/fhir/sid/icd-10-cm', 'code': rnd.choice(['B20', 'F11.20', 'I10'])}]}
        may.update(recordedDate=date(), evidence=[{'detail': [reference()]}], recorder=reference('Practitioner'))
    if type in ('Encounter', 'Procedure', 'MedicationRequest'):
        may.update(reasonReference=[reference()], period={'start': date()}, performedDateTime=date(), authoredOn=date())
    if type == 'CarePlan':
        may.update(created=date(), activity=[{'reference': reference()}, {'detail': {'description': id}}], addresses=[reference()])
    if type == 'DiagnosticReport':
        may.update(effectiveDateTime=date(), result=[reference('Observation')], conclusion=id, performer=[reference('Practitioner')])
    r.update((key, value) for key, value in may.items() if rnd.random() < .6)
    return r


def what():
    one = {'class': lambda: rnd.choice([rnd.sample(TYPES, 2), rnd.choice(TYPES), 'medication', {'not': [rnd.choice(TYPES)]}]),
           'instance': lambda: '%s/x%d' % (rnd.choice(TYPES), rnd.randrange(3)),
           'date': lambda: rnd.choice([{'from': '2027'}, {'from': '2026', 'until': '2026'}, {'until': '2025'}]),
           'label': lambda: rnd.choice(['R', 'N', 'SUD', ['SUD', 'HIV']]),
           'code': lambda: LOINC + '1-1', 'author': lambda: 'Practitioner/x1'}
    keys = [rnd.choice(['class', 'instance'])] if rnd.random() < .6 else []
    return {key: one[key]() for key in keys + rnd.sample(['date', 'label', 'code', 'author'], rnd.choice([0, 1, 1, 2]) or 1 - len(keys))}


def rule(number):
    effect = rnd.choice(['deny', 'deny', 'permit'])
    r = {'id': 'c-%d' % number, 'say': 'Rule.', 'effect': effect, 'what': what()}
    if rnd.random() < .3:
        r['except'] = [{'what': what()}]
    if rnd.random() < .25:
        r['rules'] = [{'id': 'c-%dn' % number, 'say': 'Rule.', 'effect': 'permit' if effect == 'deny' else 'deny', 'what': what()}]
    return r


def narrowing():
    one = {'class': lambda: rnd.sample(TYPES, 3), 'date': lambda: rnd.choice(['2026', '2025', '2026-01', ['2025', '2026']]),
           'label': lambda: rnd.choice([['N'], ['R'], ['SUD']]), 'code': lambda: LOINC + '1-1', 'author': lambda: 'Practitioner/x1',
           'instance': lambda: ['%s/x%d' % (type, rnd.randrange(3)) for type in TYPES]}
    return {key: one[key]() for key in rnd.sample(['class', 'date', 'date', 'label', 'instance', 'code', 'author'], rnd.choice([1, 1, 2]))}


def request(more):
    return json.dumps({'subject': {'type': 'user', 'id': 'dr-lee', 'properties': {'domain': 'hospital', 'structural_role': 'physician'}},
                       'action': {'name': 'read'}, 'resource': {'type': 'patient', 'id': 'ann', 'properties': dict(more, domain='hospital', patient='ann')},
                       'context': {'purpose': 'TREAT', 'time': '2026-03-02T09:00:00Z', 'acr': 'loa3', 'route': 'on-site'}}) + '\n'


def given(decision):
    with open('decision', 'w') as f:
        json.dump(decision, f)
    lines = run('ehr-redact', '-P', policy, '-S', 'site', '--decision', 'decision', '--now', '2026-03-02T09:00:00Z', '--handled', 'audit', 'labelled')
    return {line['ehr']['id']: line['record'] for line in lines}


def leaves(value, path=''):
    if isinstance(value, dict):
        return {leaf for key, one in value.items() for leaf in leaves(one, path + '.' + key)}
    if isinstance(value, list):
        return {leaf for one in value for leaf in leaves(one, path + '[]')}
    return {(path, json.dumps(value))}


def names(properties, record):
    kinds = [properties.get('class', [record.split('/')[0]]), properties.get('instance', [record])]
    return all(isinstance(kind, list) for kind in kinds) and record.split('/')[0] in kinds[0] and record in kinds[1] and \
        ('class' in properties or 'instance' in properties)


def fault(text, *about):
    print(text, *(json.dumps(one) for one in about))


asked = some = told = 0
for turn in range(int(rounds)):
    meant.clear()
    chart = ''.join(json.dumps(record(type, 'x%d' % i)) + '\n' for type in TYPES for i in range(3))
    with open('labelled', 'w') as f:
        f.writelines(json.dumps(line, separators=(',', ':')) + '\n' for line in run('ehr-classify', '-P', policy, text=chart))
    directive = {'ehr_authz': 1, 'consent': 'c', 'patient': 'ann', 'status': 'active', 'base': 'permit', 'rules': [rule(i) for i in range(rnd.choice([1, 2, 3]))]}
    with open('ann.json', 'w') as f:
        json.dump(directive, f)
    narrowings = [narrowing() for _ in range(8)]
    decisions = run('ehr-authz', '-P', access, '--facts', facts, '--consents', 'ann.json', text=''.join(map(request, [{}] + narrowings)))
    if not decisions[0]['decision']:
        continue
    whole = given(decisions[0])
    for narrowed, decision in zip([{}] + narrowings, decisions):
        if not decision['decision']:
            continue
        asked += 1
        got = given(decision)
        some += bool(got)
        redacted = [o['properties'] for o in decision['context']['obligations'] if o['properties']['action'] == 'redact']
        for id, r in got.items():
            more = leaves(r) - leaves(whole.get(id, {}))
            if decision['context']['rl'] != decisions[0]['context']['rl']:  # tokens stand in a lower version
                more = {leaf for leaf in more if 'canary' in leaf[1]}
            if more:
                fault('more:', sorted(more), narrowed, directive)
            for _, value in leaves(r):
                record_meant = meant.get(json.loads(value)) if value.startswith('"canary') else None
                told += record_meant is not None
                if record_meant and any(names(p, record_meant) for p in redacted):
                    fault('told:', record_meant, r, redacted)
print('%d permits, %d gave something, %d displays' % (asked, some, told), file=sys.stderr)
if some < asked / 4 or told < asked:
    print('too few to tell')
