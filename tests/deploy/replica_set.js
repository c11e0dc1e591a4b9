// node tests/deploy/replica_set.js SCRIPT SECRETS: deploy/replica_set.js against a model of a set's first server, as no MongoDB is
// here to be made a set of: what it lets whom do and when, by MongoDB's manual (localhost exception, one primary, codes 18, 93 and 94).
// Says "ok NAME" or "FAILED NAME: why" a line.
const fs = require('fs');
const vm = require('vm');
const [script, secrets] = process.argv.slice(2);
const source = fs.readFileSync(script, 'utf8');

class Refused extends Error {
    constructor(code, text) {
        super(text);
        this.code = code;
    }
}

class Server {
    constructor(wrong) {
        const fresh = { set: null, members: null, primaryAfter: 0, users: {}, unreachable: 0, calls: 0, dies: Infinity, made: 0, round: 0, who: null };
        Object.assign(this, fresh, wrong);
    }

    needs(what) {
        if (!this.primary()) {
            throw new Refused(10107, 'not primary');
        }
        const first = Object.keys(this.users).length === 0 && what === 'createUser';
        if (!first && this.users[this.who]?.roles[0] !== 'root') {
            throw new Refused(13, 'not authorized: ' + what);
        }
    }

    primary() {
        return this.set !== null && this.round >= this.primaryAfter;
    }

    runCommand(command) {
        if (++this.calls > this.dies) {
            throw new Error('the run ends here');
        }
        const name = Object.keys(command)[0];
        if (name === 'hello') {
            return this.set ? { ok: 1, setName: this.set, isWritablePrimary: this.primary(), secondary: !this.primary() } : { ok: 1, isreplicaset: true };
        }
        if (name === 'replSetInitiate') {
            if (this.set) {
                throw new Refused(23, 'already initialized');
            }
            if (Object.keys(this.users).length > 0) {
                throw new Refused(13, 'not authorized');
            }
            if (this.unreachable-- > 0) {
                throw new Refused(74, 'replSetInitiate quorum check failed: node not found');
            }
            this.set = command.replSetInitiate._id;
            this.members = command.replSetInitiate.members;
            this.primaryAfter = this.round + 3;
            this.made++;
            return { ok: 1 };
        }
        if (name === 'createUser') {
            this.needs('createUser');
            if (this.users[command.createUser]) {
                throw new Refused(51003, 'user exists');
            }
            this.users[command.createUser] = { password: command.pwd, roles: command.roles };
            return { ok: 1 };
        }
        throw new Refused(59, 'no such command: ' + name);
    }

    auth(user, password) {
        if (this.users[user]?.password !== password) {
            throw new Refused(18, 'Authentication failed.');
        }
        this.who = user;
        return { ok: 1 };
    }

    // The exit code of one run.
    run() {
        class Quit extends Error {}
        let code = 0, now = 0;
        this.who = null;
        const context = {
            db: { getSiblingDB: () => this }, print: () => {}, require, Date: { now: () => now },
            quit: (value) => { code = value; throw new Quit('quit'); },
            sleep: (ms) => { now += ms; this.round++; },
            process: { env: { SET: 'north', MEMBERS: 'a:1,b:2,c:3', SECRETS: secrets } },
        };
        // quit() ends mongosh, also within a try.
        const text = source.replace(/catch \(error\) \{/g, 'catch (error) { if (error.message === "quit") throw error;');
        try {
            vm.runInNewContext(text, context);
        } catch (error) {
            if (error.message !== 'quit') {
                throw error;
            }
        }
        return code;
    }
}

function right(server, code) {
    const members = server.members?.map((member) => member.host);
    const said = JSON.stringify({ code, made: server.made, members, users: Object.keys(server.users), roles: server.users.weir?.roles });
    const want = JSON.stringify({ code: 0, made: 1, members: ['a:1', 'b:2', 'c:3'], users: ['admin', 'weir'], roles: ['readWriteAnyDatabase'] });
    return said === want ? '' : said + ', wanted ' + want;
}

const cases = {
    'a set is made once, with both users': () => { const server = new Server(); return right(server, server.run()); },
    'another run changes nothing': () => { const server = new Server(); server.run(); return right(server, server.run()); },
    'servers that are not there yet are waited for': () => { const server = new Server({ unreachable: 5 }); return right(server, server.run()); },
    'a run that ended anywhere is gone on with': () => {
        for (let dies = 1; dies <= 12; dies++) {
            const server = new Server({ dies });
            server.run();
            server.dies = Infinity;
            const why = right(server, server.run());
            if (why) {
                return 'ended at call ' + dies + ': ' + why;
            }
        }
        return '';
    },
    'where another is primary, and all is done, it ends': () => {
        const server = new Server();
        server.run();
        server.primaryAfter = Infinity;
        return right(server, server.run());
    },
    'it gives up, and says so by its exit code': () => new Server({ unreachable: Infinity }).run() === 1 ? '' : 'exit code 0',
    'a server of another set is refused': () => new Server({ set: 'south' }).run() === 1 ? '' : 'exit code 0',
};
let failed = 0;
for (const [name, run] of Object.entries(cases)) {
    let why;
    try {
        why = run();
    } catch (error) {
        why = error.stack;
    }
    failed += why ? 1 : 0;
    console.log(why ? 'FAILED ' + name + ': ' + why : 'ok ' + name);
}
process.exit(failed ? 1 : 0);
