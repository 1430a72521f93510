/** Azure's LLM inference traces. 2023: local times with seven fractional digits; 2024: ISO times with a zone, the fraction left out when it is zero. */
import { csvRequests } from './csv-requests.ts';

export const azureLlm = csvRequests({
  name: 'azure-llm',
  time: ['timestamp'],
  input: ['contexttokens'],
  output: ['generatedtokens'],
  timeUnit: 'iso',
  header: 'TIMESTAMP,ContextTokens,GeneratedTokens',
});
