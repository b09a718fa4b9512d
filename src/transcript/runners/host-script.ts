import type { Line, QuestionType } from '../line.ts'
import type { Step } from '../steps.ts'

/** The line of an answer. */
export type Answer = Extract<Line, { type: 'answer' }>

/** What a step's author lets the host answer: the second question about a sender gets the second such answer. */
export class HostScript {
  readonly #answers = new Map<QuestionType, (Answer | undefined)[]>()

  constructor(step: Step) {
    step.outcome.forEach((line, index) => {
      if (line.type !== 'question') return
      const next = step.outcome[index + 1]
      const answers = this.#answers.get(line.about) ?? []
      this.#answers.set(line.about, [...answers, next?.type === 'answer' ? next : undefined])
    })
  }

  /** The answer to the next question of this type, as it stands in the transcript. */
  next(about: QuestionType): Answer | undefined {
    return this.#answers.get(about)?.shift()
  }

  /** Answers to questions that were not asked. */
  rest(): Answer[] {
    return [...this.#answers.values()].flat().filter(answer => answer !== undefined)
  }
}
