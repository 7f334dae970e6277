"""Words that carry grammar instead of meaning, by language: they tell languages apart."""

# ruff: noqa: RUF001 - other alphabets

import unicodedata
from collections.abc import Mapping

_ENGLISH = """
i me my myself we our ours ourselves you you're you've you'll you'd your yours yourself yourselves
he him his himself she she's her hers herself it it's its itself they them their theirs themselves
what which who whom this that that'll these those am is are was were be been being have has had
having do does did doing a an the and but if or because as until while of at by for with about
against between into through during before after above below to from up down in out on off over
under again further then once here there when where why how all any both each few more most other
some such no nor not only own same so than too very s t can will just don don't should should've
now d ll m o re ve y ain aren aren't couldn couldn't didn didn't doesn doesn't hadn hadn't hasn
hasn't haven haven't isn isn't ma mightn mightn't mustn mustn't needn needn't shan shan't shouldn
shouldn't wasn wasn't weren weren't won won't wouldn wouldn't
"""
STOP_WORDS = frozenset(_ENGLISH.split() + _ENGLISH.replace("'", "").split())
"""The 179 English stop words of NLTK 3.8, and those with an apostrophe also without it."""

_LATIN: Mapping[str, str] = {
    "german": """
der die das den dem des ein eine einen einem einer eines kein keine keinen keiner und oder aber
denn weil dass ob wenn als wie wo wer wen wem was wann warum wieso weshalb wohin woher welche
welcher welches welchen ich du er sie es wir ihr mich dich sich uns euch mir dir ihm ihn ihnen mein
meine meinen meinem meiner dein deine deinen deinem deiner sein seine seinen seinem seiner ihre
ihren ihrem ihrer unser unsere unseren euer eure ist sind bin bist seid war waren warst gewesen hat
habe haben hast habt hatte hatten wird werden werde wirst wurde wurden worden kann kannst können
könnte konnte muss müssen musste soll sollte will wollen wollte darf dürfen möchte nicht nichts auch
nur noch schon sehr so da dann hier dort in im an am auf aus bei beim mit nach von vom vor zu zum
zur für über unter durch gegen ohne um bis seit zwischen dieser diese dieses diesen diesem jeder
jede jedes alle mehr man doch immer s
""",
    "french": """
le la les un une des du de au aux l d j m t s c n qu et ou où mais donc car ni que qui quoi dont
quand comment pourquoi combien quel quelle quels quelles je tu il elle on nous vous ils elles me te
se lui leur y en moi toi mon ma mes ton ta tes son sa ses notre nos votre vos leurs ce cet cette ces
ça cela ceci est sont suis es sommes êtes était étaient étais être ai as a avons avez ont avait
avaient aura avoir va vont ne pas plus jamais rien aussi très dans sur sous avec sans pour par chez
vers entre depuis pendant avant après chaque tout tous toute toutes même si comme lorsque parce puis
alors ici
""",
    "spanish": """
el la los las un una unos unas lo al del de y e o u pero porque que qué quien quién quienes cual
cuál cuales cuando cuándo donde dónde adónde como cómo cuanto cuánto cuantos cuántos yo tú tu él
ella nosotros vosotros ellos ellas usted ustedes me te se le les nos os mi mis su sus tus nuestro
nuestra nuestros nuestras este esta esto estos estas ese esa eso esos esas aquel aquella en con sin
por para a ante desde hasta hacia entre sobre bajo durante según es son soy eres somos era eran fue
fueron ser sido está están estoy estaba estaban estar ha han he hemos has había habían haber hay
tiene tienen tengo tenía no ni sí si también tampoco muy más menos ya todo toda todos todas otro
otra otros cada algo alguien nada nadie siempre nunca aquí allí ahora
""",
    "portuguese": """
o a os as um uma uns umas de do da dos das no na nos nas em num numa ao aos à às pelo pela pelos
pelas por para sem sob sobre entre até desde após e ou mas porque pois que quê quem qual quais
quando onde aonde como quanto quantos quanta eu tu ele ela nós eles elas você vocês me te se lhe
lhes vos meu minha meus minhas teu tua seu sua seus suas nosso nossa este esta isto estes estas esse
essa isso esses essas aquele aquela aquilo é são sou és somos era eram foi foram ser sido está estão
estou estava estavam estar tem têm tenho tinha tinham ter há havia não nem sim também já muito mais
menos todo toda todos todas outro outra cada algo alguém nada ninguém sempre nunca aqui ali agora
""",
    "italian": """
il lo la i gli le l un uno una d del dello della dei degli delle al allo alla ai agli alle dal dallo
dalla dai dagli dalle nel nello nella nei negli nelle sul sullo sulla sui sugli sulle col di a da in
con su per tra fra e ed o ma perché che chi cui quale quali quando dove come quanto quanti io tu lui
lei noi voi loro mi ti si ci vi ne mio mia miei mie tuo tua tuoi suo sua suoi sue nostro nostra
vostro questo questa questi queste quello quella quelli quelle è sono sei siamo siete era erano ero
fu essere ha hanno ho hai abbiamo avete aveva avevano avere non né anche più meno molto già se ogni
tutto tutta tutti tutte altro altra sempre mai qui qua lì là ora poi c dov
""",
    "dutch": """
de het een en of maar want dat die dit deze wie wat waar wanneer waarom hoe welke welk ik jij je u
hij zij ze wij we jullie mij me hem haar ons hun hen mijn jouw zijn uw onze is ben bent was waren
geweest heb hebt heeft hebben had hadden wordt worden werd werden kan kunnen kon zal zullen zou wil
willen moet moeten mag niet geen ook nog al wel zeer in op aan van met voor door bij uit naar om
over onder tegen tussen zonder tot te ten ter er hier daar dan als toen dus alle elke iets iemand
niets niemand altijd nooit s t
""",
    "swedish": """
en ett den det de dem och eller men att som vad vem var vilken vilket vilka när varför hur jag du
han hon vi ni mig dig sig honom henne oss er min mitt mina din ditt dina hans hennes sin sitt sina
vår våra deras är varit vara har hade ha haft blir blev bli kan kunde ska skulle vill ville måste
får inte ej också bara redan mycket mer i på av till från med för om vid under över mellan utan
efter före mot genom hos denna detta dessa alla någon något några ingen inget inga här där då nu så
än
""",
    "danish": """
en et den det de dem og eller men at som hvad hvem hvor hvornår hvorfor hvordan hvilken hvilket
hvilke jeg du han hun vi mig dig sig ham hende os jer min mit mine din dit dine hans hendes sin sit
sine vores deres er var været være har havde have haft bliver blev blive kan kunne skal skulle vil
ville må ikke også kun allerede meget mere i på af til fra med for om ved under over mellem uden
efter før mod gennem hos denne dette disse alle nogen noget nogle ingen intet her der da nu så end
""",
    "norwegian": """
en ei et den det de dem og eller men å at som hva hvem hvor når hvorfor hvordan hvilken hvilket
hvilke jeg du han hun vi dere meg deg seg ham henne oss min mi mitt mine din ditt dine hans hennes
sin si sitt sine vår våre deres er var vært være har hadde ha hatt blir ble bli kan kunne skal
skulle vil ville må ikke også bare allerede mye mer i på av til fra med for om ved under over mellom
uten etter før mot gjennom hos denne dette disse alle noen noe ingen intet her der da nå så enn
""",
    "finnish": """
ja tai mutta koska että kun jos kuin niin myös ei en et emme ette eivät on ovat olen olet olemme oli
olivat ollut olla minä sinä hän me te he minun sinun hänen meidän heidän minua häntä minulla minulle
hänellä tämä tuo se nämä ne joka jotka mikä mitä kuka missä mistä mihin milloin miksi miten kuinka
vain jo vielä aina nyt siellä täällä kanssa
""",
    "polish": """
i w z na do od za po przez dla bez pod nad przed przy o u oraz a ale lub albo że żeby bo gdy kiedy
jak gdzie kto co czy dlaczego który która które którzy ile ja ty on ona ono my wy oni one mnie mi
mną cię ci tobie go jego mu jej ją nas nam was wam ich im się mój moja moje twój twoja swój swoja
nasz nasza ten ta to te tego tej tym tych jest są jestem jesteś był była było były być będzie ma
mają mam nie tak też także już jeszcze tylko bardzo więcej tu tam teraz
""",
    "turkish": """
ve ile veya ama fakat çünkü ki de da mi mı mu mü ne kim nerede nereye nereden nasıl neden niçin
hangi kaç ben sen o biz siz onlar beni seni onu bizi sizi bana sana ona bize size benim senin onun
bizim sizin onların bu şu bunlar şunlar bir her hiç bazı tüm bütün çok daha en az gibi için kadar
göre sonra önce var yok değil olan olarak oldu idi ise
""",
}

_RUSSIAN = """
и в во не что он на я с со как а то все всё она так его но да ты к ко у же вы за бы по только ее её
мне было вот от меня еще ещё нет о об из ему теперь когда даже ну ли если уже или ни быть был него
до вас вам там потом себя ей они тут где есть ней для мы тебя их чем была сам без чего тоже себе под
будет ж тогда кто кого кому этот того потому этого какой какая какие какое чей ним здесь этом мой
моя моё мое мои тем чтобы нее неё сейчас были куда откуда зачем почему при над тот через эти нас нам
про них эту этой перед том им это этому эта свой своя свои свою между
"""
RUSSIAN_STOP_WORDS = frozenset(_RUSSIAN.split())
"""What is left out of every text in Cyrillic letters, whichever language it is in."""

_NAMES = """
al alan alle ama ana bei ben bo chan che chi cho dan das dei del della di dina dos durante ela
elke ella elle elles hai han hans hen ho hon hun ida ile jan jo jos kai ki kim kun la las le lee
lei les li lo los lou lu lui ma mai maja mam mas meg mia mie mika min mina mio moi na nad nam nama
nan nas ni noi nora ona oni ono ora oya per poi sa sai sana sao se sei sen si sia sie sim sin sina
som su sue são tai tak tama te ti to toi tom ty u uma una uno vera von wen xi ya yo yu ze zeb zij
"""
"""People and places are called so: where these are capitals, they stay."""
_ENGLISH_TOO = """
a ad ai al ale algo alla allo als am an ante ar are as at ate au aura aus aux avant bad ban bar
bare be bent bin bis biz ble blew bli bo bra bring brut but by ca car care chat che chez chi ci
cie co col com come comment con da dag daily dal dame dan dar dart dat de del dem den denna der
des die dig dim din dip dir dis dit do dog dom don door dos dove due dun e ed efter egg eh el ele
em en end ende ere et eu ex fa fan far fast fat fin for fore fort fra fran from fu fun fur gift go
god gone gore had hade haft ham has hast hat hatt have hay he hem hen her here hi him his ho hot
how hue hun i im in io is it kan kin kind la lag last le lever lo mag mam man mar mare mas mat me
med meme men mere met mi mid mig mil min mine mini mit mod mon more mot mu must my na nada nah
name nap nas ne nil no nog non not now nu num numa nun nyt o ob od of off og ok old om on once one
ont op or os our out over own pa pan para pas pendant per plus po pod poi pot pour pre pro put qua
quay qui quo rat real red rest sa sage sale san sang sans sat se sea sem sen ser set si sig sim
sin sine sit six size ska so sob sole som some son sort sous stand star sub sue sui sum sun sur ta
tag tai tam tan te tem ten ter the tide til till tin to todo toe ton too tot tour tout tu tum
tutti twin uber um un under uno up us va vain van var ver via vid vide vie vim vis w want war was
we wed well wet who wild will win with ya yo you zee
"""
"""Function words elsewhere that an English text may have without being anything else."""


def folded(word: str) -> str:
    """Return a word in Latin letters without accents, as it is typed in a hurry: `café` as `cafe`.

    It must be casefolded and short: it takes the square of the length of a run of marks.
    """
    if word.isascii():
        return word
    parts = unicodedata.normalize("NFD", word.translate(_WITHOUT_PARTS))
    return "".join(each for each in parts if not unicodedata.combining(each))


_WITHOUT_PARTS = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h"}
)
"""Letters that Unicode does not take apart."""


def _both_ways(words: str) -> frozenset[str]:
    """Return the words as they are and without accents."""
    return frozenset(words.split()) | frozenset(map(folded, words.split()))


FUNCTION_WORDS: Mapping[str, frozenset[str]] = {
    language: _both_ways(words) for language, words in _LATIN.items()
}
"""Of each language in Latin letters that is recognised but English; named as Snowball does."""
NAMES = frozenset(_NAMES.split())
_TELLING = frozenset(["alle", "das", "della", "di", "il", "les", "lui", "noi", "sei", "uma", "una"])
"""Names that tell a language where they are no capitals."""
_IN_ENGLISH = frozenset(_ENGLISH_TOO.split()) | (NAMES - _TELLING)
MARKERS = frozenset(
    word
    for words in FUNCTION_WORDS.values()
    for word in words - STOP_WORDS - _IN_ENGLISH
    if len(word) > 1 or not word.isascii()
)
"""Words that an English text does not have: without any, no other language is thought of."""
