// Makes three servers a replica set with two users, for mongosh on the first of them: harmless as often as it is run.  Each step
// is looked for before it is done, so a run that ended anywhere is gone on with.
//
//   SET      name of the set          MEMBERS   host:port,host:port,…, the one here first
//   SECRETS  folder: admin and weir, passwords of these users
//
// There are no users at first, and then the server lets in who comes from its own machine: that far goes step 2.
const fs = require('fs');
const patience = 120; // seconds for all of it

const set = process.env.SET;
const hosts = process.env.MEMBERS.split(',');
const password = (user) => fs.readFileSync(process.env.SECRETS + '/' + user, 'utf8').trim();
const admin = db.getSiblingDB('admin');
const deadline = Date.now() + patience * 1000;

let told = '';

function wait(why) {
    if (Date.now() > deadline) {
        print(set + ': gave up after ' + patience + ' s: ' + why);
        quit(1);
    }
    if (why !== told) {
        print(set + ': ' + why);
    }
    told = why;
    sleep(1000);
}

// Who it comes in as; false when there is no such user, or not with this password.
function enter(user) {
    try {
        admin.auth(user, password(user));
        return true;
    } catch (error) {
        if (error.code !== 18) {
            throw error;
        }
        return false;
    }
}

// One round: true when nothing is left to do, else why not.
function round() {
    const hello = admin.runCommand({ hello: 1 });
    if (!hello.setName) {
        // 1: the set.  The first is preferred while all are well, so that it is the one to make users at.
        const members = hosts.map((host, index) => ({ _id: index, host: host, priority: index === 0 ? 2 : 1 }));
        admin.runCommand({ replSetInitiate: { _id: set, members: members } });
        return 'made a replica set of ' + hosts.join(', ');
    }
    if (hello.setName !== set) {
        print(set + ': the server here is of the set ' + hello.setName);
        quit(1);
    }
    if (enter('weir')) {
        return true; // the last step: so all others are done
    }
    if (!hello.isWritablePrimary) {
        return 'waits for ' + hosts[0] + ' to be the primary';
    }
    if (!enter('admin')) {
        // 2: who may do everything.
        admin.runCommand({ createUser: 'admin', pwd: password('admin'), roles: ['root'] });
        return 'made the user admin';
    }
    // 3: who may read and write all databases; Weir has one for each tenant.
    admin.runCommand({ createUser: 'weir', pwd: password('weir'), roles: ['readWriteAnyDatabase'] });
    return 'made the user weir';
}

for (;;) {
    let said;
    try {
        said = round();
    } catch (error) {
        said = String(error.message);
    }
    if (said === true) {
        break;
    }
    wait(said);
}
print(set + ': is there');
