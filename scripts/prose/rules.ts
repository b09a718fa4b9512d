/** The rules of prose: words and patterns that comments, test titles, messages and pages must not have. */

/** A word or pattern that must not be written. */
export interface Rule {
  /** The name of the rule in a finding. */
  readonly name: string
  /** Matches it in prose without code (`proseOf`); has the flag `g`. */
  readonly pattern: RegExp
  /** What to write instead. */
  readonly advice: string
  /** Sentences that break the rule. */
  readonly bad: readonly string[]
  /** Similar sentences that do not. */
  readonly good: readonly string[]
}

/** A place where a rule does not apply. */
export interface Exception {
  readonly path: string
  /** Words that the line of the finding contains. */
  readonly words: string
  readonly reason: string
}

/** Nouns that form a name with "mail": a mail server is not one message. */
const mailNames =
  '(?:server|client|service|system|agent|address|relay|program|provider|gateway|loop|user|delivery|exchanger|queue)s?'

/** Things that a server or a client can really be behind. */
const inFront = '(?:balancers?|prox(?:y|ies)|NATs?|firewalls?|gateways?|NLBs?)'

/** Private metaphors: a pattern, the field's term, and a sentence that breaks the rule. */
const privateWords: readonly (readonly [word: string, field: string, bad: string])[] = [
  ['agenda', 'event queue', 'It is put on the agenda.'],
  ['cargo', 'body', 'A call carries its cargo.'],
  ['chronicle', 'observer', 'The chronicle tells it.'],
  ['conductor', 'driver', 'The conductor waits.'],
  ['courier', 'delivery', 'The courier sends it.'],
  ['crew', 'workers', 'One of the crew died.'],
  ['cues?', 'trigger', 'It waits for its cue.'],
  ['dials', 'gauges', 'The dials are read.'],
  ['doors?', 'entry point', 'It is the door of the package.'],
  ['ears', 'output, listener', 'It is the ears of the primary.'],
  ['eldest', 'oldest', 'The eldest message is served first.'],
  ['errand', 'delivery', 'An errand ends.'],
  ['gatekeeper', 'access control', 'The gatekeeper answers.'],
  ['half[- ]delivered', 'delivered in part', 'A half-delivered message comes again.'],
  ['house(?! style)', 'server, fixture', 'The house is closed.'],
  ['journeys?', 'message in flight', 'Its journey has ended.'],
  ['manners', 'behaviour', 'Clients with bad manners wait.'],
  ['obstacles?', 'reason to skip', 'An obstacle was found.'],
  ['office', 'context', 'The office has a budget.'],
  ['passages?', 'attempt, chunk', 'A passage ends.'],
  ['patience', 'maximum wait, timeout', 'Its patience ends.'],
  ['players?', 'runner', 'A player plays it.'],
  ['rehears(?:e[sd]?|als?|ing)', 'dry run', 'The rehearsal stops there.'],
  ['rooms', 'modules', 'Three rooms have one.'],
  [
    '(?:the|this|each|every|another|other|own) room(?! (?:for|in|to|on|left|of|that))',
    'module',
    'Every room has a row.',
  ],
  ['scenes?', 'options', 'The scene is set.'],
  ['seats?', 'worker slot', 'Each worker has a seat.'],
  ['stand-ins?', 'fake', 'A stand-in answers.'],
  ['strays', 'unknown variables', 'Strays are refused.'],
  ['the law', 'contract, rule', 'The law: call it again.'],
  ['watchers?', 'event handlers, observers', 'A watcher is called.'],
  ['witness(?:es)?', 'listener, observer', 'A witness must not wait.'],
]

export const rules: readonly Rule[] = [
  {
    name: 'who-clause',
    pattern: /(?<=(?:^|[.!?:;¦]|\n\s*\n|\n\s*[*-])\s*|\*\*)Who\s+\w+s\b(?![^.¦]*\?)/g,
    advice: 'name the actor first: "A client that is silent is disconnected"',
    bad: [
      'Who is silent is left.',
      'It ends. Who waits is served.',
      '# Title\n\nWho waits is served.',
      'Clients:\n\n* Who waits is served.',
    ],
    good: ['Who sends this?', 'The client who sends this.', 'Who may send: user root'],
  },
  {
    name: 'whoever',
    pattern: /\bwho(?:m|se)?ever\b/gi,
    advice: 'name the actor: client, server, host, backend, operator, application',
    bad: ['Whoever drives it is a driver.', 'It is told to whoever listens.'],
    good: ['The client that connects.'],
  },
  {
    name: 'nobody',
    pattern: /\b(?:nobody|somebody|everybody)(?:'s)?\b(?!@)/gi,
    advice: 'name the actor: "no client", "another client", "every client that can connect"',
    bad: ['Nobody reads it.', "It is somebody else's.", 'Everybody may send.'],
    good: ['No client reads it.', 'Mail to nobody@example.org is refused.'],
  },
  {
    name: 'he',
    pattern: /\b(?:[Hh]e|[Hh]is|[Hh]im|[Hh]imself)\b/g,
    advice: 'name the actor again, or say "it"',
    bad: ['It asks for his name.', 'So he hears it.'],
    good: ['It asks the client for its name.', 'The help is printed.'],
  },
  {
    name: 'a-mail',
    pattern: new RegExp(
      `\\b(?:[Aa]|[Oo]ne|[Ee]ach|[Ee]very|[Tt]his|[Tt]hat|[Aa]nother|same|whole|next|latest|first|second|per)\\s+mail\\b(?!-|\\s+${mailNames}\\b)`,
      'g',
    ),
    advice: '"message"; "mail" is a mass noun',
    bad: ['It costs 1 ms a mail.', 'Every mail is logged.', 'the same\n   mail again'],
    good: ['Every message is logged.', 'A mail server answers.', 'Mail is relayed.', 'a mail-client'],
  },
  {
    name: 'mails',
    pattern: /\bmails\b/gi,
    advice: '"messages"',
    bad: ['Two mails are sent.'],
    good: ['Two messages are sent.', 'E-mail is sent.'],
  },
  {
    name: 'is-none',
    pattern: /(?<!there\s)\b(?:is|are|was|were)\s+none\b/gi,
    advice: 'say what it is, or "there is no X"',
    bad: ['A reply that is late is none.', 'A verb that is none is an error.'],
    good: ['None of them is late.', 'There is no reply.', 'Returns undefined if there is none.'],
  },
  {
    name: 'shall',
    pattern: /\bshall\b/gi,
    advice: '"must", "should", or the present tense',
    bad: ['It shall not wait.'],
    good: ['It must not wait.', 'a shallow copy'],
  },
  {
    name: 'anew',
    pattern: /\banew\b/gi,
    advice: '"again"',
    bad: ['It begins anew.'],
    good: ['It begins again.', 'a new one'],
  },
  {
    name: 'so-many',
    pattern: /\bso\s+many\b(?!\s+(?:\w+\s+)?that\b)/gi,
    advice: 'give the number or its name',
    bad: ['It waits so many seconds.'],
    good: ['There are so many clients that it waits.', 'It waits for `n` seconds.'],
  },
  {
    name: 'behind',
    pattern: new RegExp(
      `(?<!\\b(?:lags?|falls?|left|leav(?:es?|ing))\\s+(?:[\\w-]+\\s+){0,3})\\bbehind\\b(?!\\s+(?:(?:an?|the|its|their|one)\\s+)?(?:[\\w-]+\\s+){0,2}${inFront}\\b)`,
      'gi',
    ),
    advice: '"after"; behind is a place: "behind a load balancer"',
    bad: ['What follows behind it.', 'The reply behind QUIT.'],
    good: [
      'Clients behind a Network Load Balancer.',
      'It lags behind.',
      'It leaves no connection behind.',
      'The reply after QUIT.',
    ],
  },
  {
    name: 'mend',
    pattern: /\bmend(?:s|ed|ing)?\b/gi,
    advice: '"fix"',
    bad: ['A fault that was mended.', 'Mend the role.'],
    good: ['Fix the role.', 'It is recommended.'],
  },
  {
    name: 'in-vain',
    pattern: /\bin\s+vain\b/gi,
    advice: '"without success", "for nothing", or what happens',
    bad: ['It waits in vain.'],
    good: ['It waits until the timeout.'],
  },
  {
    name: 'takes-for',
    pattern:
      /\b(?:takes?|took|taking)\s+(?:(?:it|this|that|them|him)\s+for\b|(?:[\w']+\s+){1,4}for\s+(?:none|granted)\b)|\b(?:is|are|was|were)\s+taken\s+for\b/gi,
    advice: '"treats as", "mistakes for", "rejects as"',
    bad: ['It takes it for a command.', 'It takes an address for none.', 'A dot is taken for the end.'],
    good: ['It treats the line as a command.', 'It takes 5 ms for each message.'],
  },
  {
    name: 'as-far-as',
    pattern: /\bas\s+far\s+as\b/gi,
    advice: '"up to", "if", or what exactly',
    bad: ['It reads as far as it can.'],
    good: ['It reads up to the newline.'],
  },
  {
    name: 'what-there-is-of',
    pattern: /\bwhat\s+there\s+(?:is|was)\s+of\b/gi,
    advice: 'name it: "the rest", "all buffered bytes"',
    bad: ['It sends what there\n is of it.'],
    good: ['It sends the rest.'],
  },
  {
    name: 'for-ever',
    pattern: /\bfor\s+ever\b/gi,
    advice: '"forever", "without end", or the time',
    bad: ['It waits for ever.'],
    good: ['It never ends.', 'It is so for every client.'],
  },
  {
    name: 'ones-own',
    pattern: /\bone's\s+own\b/gi,
    advice: '"your own", "a custom X"',
    bad: ["A relay of one's own."],
    good: ['Your own relay.'],
  },
  ...privateWords.map(privateWord),
]

/** Places where a rule does not apply, for the given reason. An exception that no finding needs is a finding itself. */
export const exceptions: readonly Exception[] = []

function privateWord([word, field, bad]: (typeof privateWords)[number]): Rule {
  return {
    name: 'private-word',
    pattern: new RegExp(`\\b${word.replaceAll(' ', '\\s+')}\\b`, 'gi'),
    advice: `the field says: ${field}`,
    bad: [bad],
    good: ['There is room for it in the queue.'],
  }
}
