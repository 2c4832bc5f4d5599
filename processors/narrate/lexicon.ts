/**
 * All words that may stand outside the marks. A meaning is one word of a computed text in each language; of the words that carry none there may be
 * as many as a sentence needs. No number, name, link or command can be made of them.
 */
export const languages = ['en', 'de'] as const
export type Language = (typeof languages)[number]

const split = (text: string): readonly string[] => text.split(/\s+/).filter((word) => word !== '')

/** They connect and say nothing: no negation, no time, no more or less, no cause, no doubt. */
export const fillers: Readonly<Record<Language, ReadonlySet<string>>> = {
  en: new Set(
    split(`a an the this that these those it its they their them there which who whose what is are was were be been being has have had
    of in on at for with to and also than do does did here where`),
  ),
  de: new Set(
    split(`der die das den dem des ein eine einen einem einer eines dies diese dieser dieses diesem diesen dass es sie ihr ihre ihren ihrer ihrem sein
    seine seinen seiner seinem sich ist sind war waren wird werden wurde wurden worden hat haben hatte hatten von vom in im an am auf bei beim für mit
    zu zum zur und auch als was welche welcher welches deren dessen da hier dort wo pro je`),
  ),
}

/** One meaning a line: English, then German. What is inflected is written out. */
const meanings = `
error errors | fehler fehlern
own | eigen eigene eigenen eigener eigenes eigenem
time | zeit
trace traces | trace traces spur spuren
times | mal
longer | länger mehr
shorter | kürzer
higher | höher höhere höheren
lower | niedriger niedrigere geringer
more | mehr
less fewer | weniger
before previously earlier | vorher zuvor davor vor früher bevor
after afterwards | nach danach nachdem
since | seit seitdem
once | einmal
onset beginning | beginn anfang
no not nothing none never cannot | nicht kein keine keinen keiner keinem nichts nie
comes come came | kommt kommen kam kamen folgt folgen
new newly | neu neue neuer neues neuen
line lines | zeile zeilen
call calls | ruft rufen aufruf aufrufe aufrufen
reads read | liest lesen las gelesen
row rows | zeile zeilen
scans scan | durchsucht durchsuchen
index | index
find finds found | findet finden fände gefunden
would | würde würden
among | unter
slow | langsam langsame langsamen
statement statements | anweisung anweisungen
seen | gesehen
changed change changes | geändert änderung änderungen ändert
processor | prozessor
memory | speicher arbeitsspeicher
disk | platte festplatte
as | wie
waits wait waited | wartet warten wartete
traffic | verkehr
request requests | anfrage anfragen
failed fail fails | fehlgeschlagen fehlgeschlagene fehlgeschlagenen gescheitert
latency | latenz
network | netz netzwerk
cpu | cpu
growth | wachstum
connection connections | verbindung verbindungen
use used | benutzung gebrauch benutzt
waiting | warten wartend
cache | cache
hit hits | treffer treffern
lookup lookups | abfragen nachschlagen
queue | warteschlange
lag | rückstand
restart restarts | neustart neustarts
dependency dependencies | abhängigkeit abhängigkeiten
log | log protokoll
record records | eintrag einträge einträgen
kind kinds | art arten
burst | schwall
known | bekannt bekannte
ran run runs | lief läuft laufen ging geht
out | aus
write writes | schreibt schreiben
shows show | zeigt zeigen
certificate | zertifikat
valid | gültig gültiges
name | name namen
resolved | aufgelöst
lock locks | sperre sperren
or | oder
left | übrig
give gives | geben gibt vergeben
moves move | bewegt bewegen
load | last
held | gehalten festgehalten
fixed | fest
all | alle allen
refuter refuters | gegenprobe gegenproben
pass passes | besteht bestehen bestanden
refuted | widerlegt
by | durch
deploy | deploy auslieferung
flag | schalter
config | konfiguration
scaling | skalierung
expected | erwartet erwartete
usual usually | üblich üblicherweise gewöhnlich
most | höchstens
least | mindestens
about | etwa ungefähr
unknown | unbekannt
observed | beobachtet
need needs | braucht brauchen benötigt benötigen
felt | spürbar gespürt
through | über
cause | ursache
began begun | begonnen begann
already | schon bereits
`
const rows = meanings
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => line.split('|').map(split))

function byWord(column: number): ReadonlyMap<string, readonly number[]> {
  const all = new Map<string, number[]>()
  for (const [meaning, row] of rows.entries())
    for (const word of row[column] ?? []) all.set(word, [...(all.get(word) ?? []), meaning])
  return all
}

/** By word in lower case, the numbers of its meanings. */
export const meaningsOf: Readonly<Record<Language, ReadonlyMap<string, readonly number[]>>> = {
  en: byWord(0),
  de: byWord(1),
}

/** All forms of a meaning. */
export const formsOf = (meaning: number, language: Language): readonly string[] =>
  rows[meaning]?.[languages.indexOf(language)] ?? []
