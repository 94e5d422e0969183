# Asking for less gives no more, carried out by grants and by ehr-select: random directives, and narrowings of a request to
# read and to subscribe.
#
#   granted.py POLICY REQUEST NOW SEED ROUNDS    in a folder with site, sealed and records; prints what is given too much
import base64, json, random, subprocess, sys

policy, request, now, seed, rounds = sys.argv[1:6]
rnd = random.Random(int(seed))
base = json.loads(request)
TYPES = ['Observation', 'Condition', 'Encounter', 'MedicationRequest']
PARTS = ['class', 'instance', 'date', 'code', 'author', 'related']
site = ['-P', policy, '-S', 'site']
count = dict.fromkeys(['whole', 'part', 'refused'], 0)


def run(*command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode not in (0, 1, 7):
        sys.exit('%s ended with %d: %s' % (command, done.returncode, done.stderr))
    return done.stdout if done.returncode != 7 else ''


def rule(number):
    what = rnd.choice([{'label': rnd.choice(['R', 'V', 'N'])}] * 3 + [{'label': 'SUD'}, {'class': rnd.choice(TYPES)}, {'date': {'from': '2026'}},
                                                                     {'instance': '%s/x1' % rnd.choice(TYPES)}])
    r = {'id': 'c-%d' % number, 'say': 'Rule.', 'effect': rnd.choice(['deny', 'deny', 'permit']), 'what': what}
    if rnd.random() < .4:
        r['does'] = rnd.choice([['read'], ['subscribe'], ['read', 'subscribe']])
    if rnd.random() < .4:
        r['except'] = [rnd.choice([{'who': {'relation': 'treating'}}, {'what': {'class': 'Observation'}}, {'why': ['ETREAT']}])]
    return r


def narrowing():
    one = {'class': lambda: rnd.sample(TYPES, 2), 'instance': lambda: ['Observation/x1'], 'date': lambda: '2026-01',
           'code': lambda: 'http://loinc.org|8867-4', 'author': lambda: 'Practitioner/x1', 'related': lambda: ['Task/t1'],
           'label': lambda: rnd.choice([['N'], ['L'], ['R'], ['SUD'], ['N', 'SUD']])}
    parts = {key: one[key]() for key in rnd.sample(PARTS + ['label'] * 6, rnd.choice([0, 1, 1, 2]))}
    return parts, rnd.choice([None, 0, 1, 2, 3, 4, 5]) if parts else rnd.choice([0, 1, 2, 3, 4])


def ask(action, parts, claimed, able):
    r = json.loads(json.dumps(base))
    r['id'] = 'q-%d' % rnd.getrandbits(60)
    r['action']['name'] = action
    r['context']['supported_actions'] += able
    r['resource']['properties'].update(parts)
    if claimed is not None:
        r['context']['claimed_al'] = claimed
    return run('ehr-authz', *site, text=json.dumps(r) + '\n')


# The AL of what is given of each record, and the claims of the grant.
def given(action, parts, claimed, able):
    with open('decision', 'w') as f:
        f.write(ask(action, parts, claimed, able))
    if action == 'read':
        lines, claims = run('ehr-select', *site, '--decision', 'decision', '--now', now, 'sealed'), {}
    else:
        grant = run('ehr-keys', 'grant', *site, '--now', now, '--decision', 'decision')
        if not grant:
            return {}, {}
        with open('grant', 'w') as f:
            f.write(grant)
        claims = json.loads(base64.urlsafe_b64decode(grant.split('.')[1] + '=='))
        lines = run('ehr-select', *site, '--grant', 'grant', '--now', now, 'sealed')
    return {one['id']: one['al'] for one in (json.loads(line)['ehr'] for line in lines.splitlines())}, claims


def fault(text, *about):
    print(text, *(json.dumps(one) for one in about))


for turn in range(int(rounds)):
    directive = {'ehr_authz': 1, 'consent': 'c', 'patient': 'p1', 'status': 'active', 'base': rnd.choice(['permit', 'permit', 'deny']),
                 'rules': [rule(i) for i in range(rnd.choice([0, 1, 2]))]}
    with open('site/consents/p1.json', 'w') as f:
        json.dump(directive, f)
    for action in ('read', 'subscribe'):
        able = rnd.choice([[], ['keep-only', 'redact']])  # what the asker says it carries out, and nothing here does
        whole, claims = given(action, {}, None, able)
        count['whole'] += bool(whole)
        for parts, claimed in [narrowing() for _ in range(4)]:
            got, less = given(action, parts, claimed, able)
            count['part' if got else 'refused'] += 1
            if any(al > whole.get(id, -1) for id, al in got.items()):
                fault('more:', action, parts, claimed, directive, whole, got)
            if got and set(parts) - {'label'}:
                fault('not narrowed:', action, parts, claimed, directive, got)
            if got and action == 'subscribe' and (less['al'] > claims['al'] or less['exp'] > claims['exp'] or
                                                  set(less['subjects']) - set(claims['subjects'])):
                fault('granted more:', parts, claimed, directive, claims, less)
print(count, file=sys.stderr)
if count['whole'] < int(rounds) / 2 or count['part'] < int(rounds) or count['refused'] < int(rounds):
    print('too few to tell:', count)
